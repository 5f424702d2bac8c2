import { managedReturn } from '../driver/managedReturn.ts';

export default managedReturn('comp1', 'process', 'a process');
