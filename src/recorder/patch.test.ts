import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patch } from './patch.ts';
import { keepFunctionText } from './transform/text.ts';

test('a function in the place of another has its name, length, text and attributes', () => {
  const owner = {
    send(first: number, second: number) {
      return first + second;
    },
  };
  const before = { text: String(owner.send), ...Object.getOwnPropertyDescriptor(owner, 'send') };
  keepFunctionText();
  patch<typeof owner.send>(
    owner,
    'send',
    (original) =>
      function (this: unknown) {
        // biome-ignore lint/complexity/noArguments: handed on as they came
        return Reflect.apply(original, this, arguments as never) + 1;
      } as typeof original,
  );
  assert.equal(owner.send(1, 2), 4);
  assert.equal(owner.send.name, 'send');
  assert.equal(owner.send.length, 2);
  assert.equal(String(owner.send), before.text);
  const after = Object.getOwnPropertyDescriptor(owner, 'send');
  assert.deepEqual({ ...after, value: 0 }, { value: 0, writable: true, enumerable: true, configurable: true });
});

test('a method that is inherited becomes one that no loop over properties sees', () => {
  class Parent {
    emit() {}
  }
  class Child extends Parent {}
  patch(Child.prototype, 'emit', (original) => original);
  assert.deepEqual(Object.keys(Child.prototype), []);
  assert.ok(Object.hasOwn(Child.prototype, 'emit'));
});
