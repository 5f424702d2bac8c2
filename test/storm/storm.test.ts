import { storm } from './storm.ts';

storm('first', { first: 1, seeds: 100 });
