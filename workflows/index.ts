export { lifecycle } from './lifecycle.ts';
export { reconcile } from './reconcile.ts';
