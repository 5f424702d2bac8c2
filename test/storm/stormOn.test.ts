import { storm } from './storm.ts';

storm({ first: 101, seeds: 100 });
