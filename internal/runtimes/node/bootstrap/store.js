// awslambda.InvokeStore, where libraries and the console look the invocation up.
// The classes are named as AWS's.
'use strict';

const KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};

class InvokeStoreBase {
  isProtectedKey(key) {
    return Object.values(KEYS).includes(key);
  }

  getRequestId() {
    const id = this.get(KEYS.REQUEST_ID);
    return id === undefined || id === null ? '-' : id;
  }

  getXRayTraceId() {
    return this.get(KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(KEYS.TENANT_ID);
  }
}
InvokeStoreBase.PROTECTED_KEYS = KEYS;

class InvokeStoreSingle extends InvokeStoreBase {
  getContext() {
    return this.currentContext;
  }

  hasContext() {
    return this.currentContext !== undefined;
  }

  get(key) {
    return this.currentContext ? this.currentContext[key] : undefined;
  }

  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.currentContext = this.currentContext || {};
    this.currentContext[key] = value;
  }

  run(context, fn) {
    this.currentContext = context;
    return fn();
  }
}

// InvokeStoreMulti is for an environment that serves several invocations at once.
class InvokeStoreMulti extends InvokeStoreBase {
  constructor() {
    super();
    const { AsyncLocalStorage } = require('async_hooks');
    this.als = new AsyncLocalStorage();
  }

  getContext() {
    return this.als.getStore();
  }

  hasContext() {
    return this.getContext() !== undefined;
  }

  get(key) {
    const context = this.getContext();
    return context ? context[key] : undefined;
  }

  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    const context = this.getContext();
    if (!context) {
      throw new Error('No context available');
    }
    context[key] = value;
  }

  run(context, fn) {
    return this.als.run(context, fn);
  }
}

module.exports = { InvokeStoreMulti, InvokeStoreSingle, KEYS };
