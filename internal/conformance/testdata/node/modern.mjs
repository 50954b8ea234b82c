// What Node.js 24 brings.
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import path from 'node:path';

export const returns_a_value = () => 'value';
export const returns_a_value_of_two = (event, context) => ({ event, id: context.awsRequestId });
export const succeeds = (event, context) => context.succeed(1);
export const calls_back = (event, context, callback) => callback(null, 1);
export const has_three_parameters = async (event, context, callback) => typeof callback;
export const has_a_default = async (event, context, callback = null) => callback;
export const has_a_rest = async (event, ...rest) => rest.length;
export const leaves_work = async () => {
  setInterval(() => {}, 1000);
  return 'now';
};
export const leaves_words = async () => {
  setImmediate(() => console.log('next turn'));
  return 'value';
};
export const throws_null_at_once = () => {
  throw null;
};
export default { by_default: async () => 'default', deep: { er: async () => 'deeper' } };

export const store = async () => {
  const { InvokeStore } = awslambda;
  const before = InvokeStore.get('own');
  InvokeStore.set('own', 'kept');
  let refused;
  try {
    InvokeStore.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 'forged');
  } catch (error) {
    refused = error.message;
  }
  return {
    before: before === undefined, after: InvokeStore.get('own'), refused, id: InvokeStore.getRequestId(), trace: InvokeStore.getXRayTraceId(),
    has: InvokeStore.hasContext(), keys: Reflect.ownKeys(InvokeStore.getContext()).map(String),
    run: InvokeStore.run({ own: 'other' }, () => InvokeStore.get('own')),
    protected: Object.keys(InvokeStore.constructor.PROTECTED_KEYS), isProtected: InvokeStore.isProtectedKey(Symbol.for('_AWS_LAMBDA_TENANT_ID')),
  };
};
export const store_of_a_tenant = async (event, context) => {
  console.log('of a tenant');
  return [typeof awslambda.InvokeStore.getTenantId(), context.tenantId];
};
export const store_left = async () => {
  awslambda.InvokeStore.run({}, () => console.log('without an id'));
  console.log('still without');
};
export const trace_in_context = async (event, context) => context.xRayTraceId === process.env._X_AMZN_TRACE_ID;
const storage = new AsyncLocalStorage();
export const storage_is_empty = async () => {
  const before = storage.getStore();
  storage.enterWith('left');
  return before;
};

// Two in one environment wait for each other.
export const meets = async (event, context) => {
  fs.writeFileSync(path.join(process.env.MEET, context.awsRequestId), '');
  while (fs.readdirSync(process.env.MEET).length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log('met');
  return true;
};

// Of two invocations one takes longer than it may; the other tells the two apart.
export const answers_late = async (event) => {
  if (event.late) {
    await new Promise((resolve) => setTimeout(resolve, 1200));
    console.log('too late');
  }
  return 'in time';
};
