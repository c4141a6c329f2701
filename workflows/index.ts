export { lifecycle } from './lifecycle.ts';
