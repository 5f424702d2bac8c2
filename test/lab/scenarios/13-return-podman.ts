import { managedReturn } from '../driver/managedReturn.ts';

export default managedReturn('comp3', 'auto', 'a container of podman');
