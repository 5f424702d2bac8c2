import { Cloud } from './cloud.ts';

/** Deletes every server of the lab's cloud and waits until they are gone. Runs inside the cloud's network. */
await new Cloud().purge();
