import { Cloud, waitFor } from './cloud.ts';

/** Waits until every nova-compute of the lab is known to Nova and up. Runs inside the cloud's network. */
const cloud = new Cloud();
await waitFor('Nova knows its services', 60, () => cloud.services().catch(() => undefined));
await cloud.waitComputes();
