export { endpoint } from './endpoint.ts';
export { lifecycle } from './lifecycle.ts';
export { reconcile } from './reconcile.ts';
export { redeploy } from './redeploy.ts';
