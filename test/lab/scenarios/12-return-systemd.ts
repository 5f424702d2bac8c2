import { managedReturn } from '../driver/managedReturn.ts';

export default managedReturn('comp2', 'auto', 'a unit of systemd');
