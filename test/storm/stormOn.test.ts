import { storm } from './storm.ts';

storm('second', { first: 101, seeds: 100 });
