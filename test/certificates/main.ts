// For shell tests: node test/certificates/main.ts DIRECTORY
import { writeCertificates } from './make.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('which directory?');
await writeCertificates(directory);
