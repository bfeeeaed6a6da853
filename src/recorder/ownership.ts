// Who owns an operation. (Until the real rules are in: whoever ran when it was asked.)

import { Rule } from '../model/schema.ts';
import { currentRoot } from './context.ts';
import type { Operation, Root } from './operation.ts';

export interface Snapshot {
  readonly root: Root | undefined;
}

let settle: (op: Operation) => void = () => {};

export function onSettled(callback: (op: Operation) => void): void {
  settle = callback;
}
export const snapshot = (): Snapshot => ({ root: currentRoot() });
export function adopt(op: Operation, { root }: Snapshot): void {
  op.root = root;
  op.rule = root ? Rule.sync : Rule.none;
}
export const asked = (op: Operation): void => adopt(op, snapshot());
export const answered = (op: Operation): void => settle(op);
export const failed = (op: Operation): void => settle(op);
export function flushOwners(): void {}
