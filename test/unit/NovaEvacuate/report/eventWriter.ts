import { EventLog } from '../../../../agents/NovaEvacuate/report/eventLog.ts';
import { hostEvent } from './events.ts';

/** Writes NUMBER records into PATH, as one pass of several: `eventWriter.ts PATH NAME NUMBER`. */
const [path = '', name = '', number = '0'] = process.argv.slice(2);
const log = new EventLog({
  path,
  node: 'ctl0',
  log: { debug: console.error },
  onTrouble: (sentence) => {
    throw new Error(sentence);
  },
});
for (let count = 0; count < Number(number); count += 1) {
  log.write(hostEvent('deferred', { sentence: `${name}${count}${name.repeat(3000)}` }));
}
