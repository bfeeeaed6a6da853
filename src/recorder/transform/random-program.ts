// Random programs for the tests: async functions, generators, callbacks, loops, try/finally in every mix, with a log of
// what ran at which tick. A transform that adds a tick, changes an order, a value or an error shows in the log.

/** A seeded generator of numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Scope {
  /** What may stand here. */
  readonly isAsync: boolean;
  readonly isGenerator: boolean;
  readonly inLoop: boolean;
  readonly inFunction: boolean;
  readonly depth: number;
}

/**
 * A function body. It finds `log(x)`, `later(x)` (a promise fulfilled some ticks later), `fails(x)` (rejected later),
 * `thenable(x)`, `call(f)` (calls f now) and `soon(f)` (calls f in a microtask), and returns a promise.
 */
export function randomProgram(seed: number): string {
  const random = mulberry32(seed);
  const int = (below: number) => Math.floor(random() * below);
  const pick = <T>(...from: T[]): T => from[int(from.length)];
  let names = 0;
  const name = () => `v${names++}`;
  let budget = 60;

  const literal = (): string => pick('1', '2', "'s'", 'undefined', 'null', '[1, 2]', '{ a: 3 }', 'a', 'a');

  function expression(scope: Scope): string {
    budget--;
    if (budget < 0 || scope.depth > 6) return `(${literal()})`;
    const inner = { ...scope, depth: scope.depth + 1 };
    const simple = [
      () => `(${literal()})`,
      () => `log(${expression(inner)})`,
      () => `later(${expression(inner)})`,
      () => `fails(${expression(inner)}).catch((e) => log(e))`,
      () => `(${expression(inner)}, ${expression(inner)})`,
      () => `(${expression(inner)} ? ${expression(inner)} : ${expression(inner)})`,
      () => `(${expression(inner)} ?? ${expression(inner)})`,
      () => `[${expression(inner)}, ${expression(inner)}].length`,
      () => `Promise.all([${expression(inner)}, ${expression(inner)}])`,
      () => `new Promise((resolve) => ${pick(`resolve(${expression(sync(inner))})`, `soon(() => resolve(log(6)))`)})`,
      () => `(${asyncFunction(inner)})(${expression(inner)}).catch((e) => log(e))`,
      () => `call(${callback(inner)})`,
      () => `soon(${callback(inner)})`,
      () => `later(1).then(${callback(inner)}, (e) => log(e)).catch((e) => log(e))`,
      () => `[1, 2].map(${callback(inner)}).length`,
      () => `\`t\${${expression(inner)}}\``,
      () => `this?.b`,
      () => `typeof arguments`,
      () => `(() => { ${statements(sync(inner))} })()`,
      () => `function (x, y) { ${statements(sync(inner))} }.length`,
      () =>
        `(async (x) => ({ x, y: await ${expression({ ...inner, isAsync: true, isGenerator: false })} }))(1).catch((e) => log(e))`,
      () =>
        `class { static async m(z) { ${statements({ ...inner, isAsync: true, isGenerator: false, inLoop: false, inFunction: true })} } }.m(5).catch((e) => log(e))`,
    ];
    if (scope.isAsync)
      simple.push(
        ...Array(6).fill(() => `(await ${expression(inner)})`),
        () => `await ${asyncCall(inner)}`,
        () => `(await (${expression(inner)}, ${expression(inner)}))`,
        () => `(await (${literal()} ? ${expression(inner)} : ${expression(inner)}))`,
        () => 'await thenable(7)',
        () => `[...(await later([1, 2]))].length`,
      );
    if (scope.isGenerator)
      simple.push(
        () => `(yield ${expression(inner)})`,
        () => '(yield)',
        () => `(yield* (${generator(inner)})(2))`,
        () => `(yield* [1, later(2)])`,
      );
    return pick(...simple)();
  }

  const sync = (scope: Scope): Scope => ({
    ...scope,
    isAsync: false,
    isGenerator: false,
    inLoop: false,
    inFunction: true,
  });

  const asyncCall = (scope: Scope): string => `(${asyncFunction(scope)})(${literal()})`;

  function asyncFunction(scope: Scope): string {
    const inner = {
      ...scope,
      isAsync: true,
      isGenerator: false,
      inLoop: false,
      inFunction: true,
      depth: scope.depth + 1,
    };
    return pick(
      () => `async (a) => { ${statements(inner)} }`,
      () => `async function f(a, b = log(8)) { ${statements(inner)} }`,
      () => `async function (a) { 'use strict'; ${statements(inner)} }`,
      () => `async (a) => ${expression(inner)}`,
      () => `async ({ length } = {}) => (${expression(inner)})`,
      () => `{ async m(a) { ${statements(inner)} } }.m`,
    )().replace(/^(\{.*\}\.m)$/s, '($1)');
  }

  function generator(scope: Scope): string {
    const inner = {
      ...scope,
      isAsync: true,
      isGenerator: true,
      inLoop: false,
      inFunction: true,
      depth: scope.depth + 1,
    };
    return `async function* (a) { ${statements(inner)} ${pick('', 'return later(3);', 'return 4')} }`;
  }

  function callback(scope: Scope): string {
    const inner = { ...sync(scope), depth: scope.depth + 1 };
    return pick(
      () => `(x) => ${expression(inner)}`,
      () => `(x) => { ${statements(inner)} }`,
      () => `function (x, y) { ${statements(inner)} }`,
      () => asyncFunctionCaught(scope),
    )();
  }
  const asyncFunctionCaught = (scope: Scope): string => `(x) => (${asyncFunction(scope)})(x).catch((e) => log(e))`;

  function statements(scope: Scope): string {
    const count = 1 + int(3);
    const parts: string[] = [];
    for (let i = 0; i < count; i++) parts.push(statement({ ...scope, depth: scope.depth + 1 }));
    return parts.join(pick(' ', '\n'));
  }

  function statement(scope: Scope): string {
    budget--;
    if (budget < 0 || scope.depth > 6) return `log(${int(100)});`;
    const block = () => statements(scope);
    const loop = { ...scope, inLoop: true };
    const forms = [
      () => `log(${int(100)});`,
      () => `log(${expression(scope)})\n`,
      () => `${expression(scope).replace(/^(function|class|\{|async function|\[|`|\(|`)/, ';0, $1')};`,
      () => {
        const v = name();
        return `const ${v} = ${expression(scope)}; log(${v});`;
      },
      () => `let { length: ${name()} = ${expression(scope)} } = ${pick('{}', "'abc'", '[1]')};`,
      () => `if (${expression(scope)}) { ${block()} } else { ${block()} }`,
      () => `try { ${block()} } catch (e) { log(e); ${block()} }`,
      () => `try { ${block()} } finally { log('f'); ${pick('', block())} }`,
      () => `try { throw ${expression(scope)} } catch ({ a = 1 }) { log(a); } finally { ${block()} }`,
      () => {
        const v = name();
        return `for (let ${v} = 0; ${v} < 2; ${v}++) { ${statements(loop)} }`;
      },
      () => {
        const label = name();
        const body = statements(loop);
        return `${label}: for (const ${name()} of [1, 2]) { ${body} if (log(9)) ${pick('continue', 'break')} ${label}; }`;
      },
      () => {
        const f = name();
        return `log(${f}(1)); function ${f}(x) { log(x); return ${expression(sync(scope))} }`;
      },
      () => `switch (${expression(scope)}) { case 1: log('c'); break; default: ${block()} }`,
    ];
    if (scope.inFunction)
      forms.push(
        () => `return ${expression(scope)};`,
        () => 'return;',
        () => `throw log('t');`,
        () => `if (log(${int(2)}) === 1) return ${expression(scope)}\n`,
      );
    if (scope.inLoop)
      forms.push(
        () => 'break;',
        () => 'if (log(3)) continue;',
      );
    if (scope.isAsync) {
      const source = () =>
        pick(
          () => `[${expression(scope)}, later(2)]`,
          () => `(${generator(scope)})(1)`,
          () => `(0, (${generator(scope)})(1))`,
          () => `new Set([1])`,
          () => `await later([1, 2])`,
          () => `stepper(2)`,
        )();
      forms.push(
        () => `for await (const ${name()} of ${source()}) { ${statements(loop)} }`,
        () => `for await (const ${name()} of (${source()})) log('b')\n`,
        () => {
          const label = name();
          return `${label}: for await (const ${name()} of ${source()}) { ${statements(loop)} for (;;) ${pick('continue', 'break')} ${label}\n }`;
        },
        () => `await ${expression(scope)}\n`,
      );
    }
    return pick(...forms)();
  }

  const body = statements({ isAsync: true, isGenerator: false, inLoop: false, inFunction: true, depth: 0 });
  const drive = `
const it = (${generator({ isAsync: true, isGenerator: true, inLoop: false, inFunction: true, depth: 3 })}).call({ b: 2 }, 1);
const steps = [it.next(1), it.next(2), it.${pick('throw', 'return')}(later(3)), it.next(4)];
for (const step of steps) step.then((r) => log([r.value, r.done]), (e) => log(['gen', e]));
const main = async function main(a, b) { ${body} };
const done = [main.call({ b: 1 }, 0), Promise.allSettled(steps)];
return Promise.allSettled(done);`;
  return drive;
}
