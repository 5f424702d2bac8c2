import { forgetSecrets } from '../../lib/nova-client/src/secrets.ts';

// What is kept in modules, where a file of tests begins in a process that others have used (vitest.config.ts).
forgetSecrets();
