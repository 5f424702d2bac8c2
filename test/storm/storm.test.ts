import { storm } from './storm.ts';

storm({ first: 1, seeds: 100 });
