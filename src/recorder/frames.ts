// Function frames: what transformed user code (transform/) calls, so that we know which function of the user's asked
// for an operation, where it waits, and what let it go on.
//
// The transform reaches us through one global, `globalThis[Symbol.for('whywait')]`, which has exactly these members.
// No call ever throws; all return at once. `$f`, `$m`, `$p`, `$e` are the transform's own names.
//
//   preamble of each module (one line, after any 'use strict'; `$m` holds the module's sites):
//     const $w = globalThis[Symbol.for('whywait')], $m = $w.module([file, …], [name, fileIndex, line, …]);
//     `file` as the user's source names it (relative to the run's directory), three entries a function; `$m[i]` is the
//     i-th function. '' as a name = anonymous.
//
//   async function, method or arrow (an expression body becomes a block with `return`):
//     { const $f = $w.enter($m[i]); try { BODY } catch ($e) { throw $w.fail($f, $e) } finally { $w.exit($f) } }
//     When it is a function expression that is itself an argument of a call (an inline callback), its lexically
//     enclosing frame is given too, where there is one: $w.enter($m[i], $outer). (So name frames by depth: $f0, $f1.)
//     BODY:
//       await EXPR               → $w.resume($f, await $w.suspend($f, EXPR, line))
//       return EXPR (no await at its head, EXPR holds a call)  → return $w.ret($f, EXPR, line)
//       catch (e) { …            → catch (e) { $w.back($f); …      first statement of each catch block
//       finally { …              → finally { $w.back($f); …        and of each finally block
//       for await (const x of E) BLOCK
//                                → for await (const x of $w.suspend($f, E, line)) { $w.back($f); try BLOCK
//                                  finally { $w.suspend($f, undefined, line) } } $w.back($f);
//     async generator: the same, and  yield EXPR → $w.resume($f, yield $w.pause($f, EXPR)); yield* is left alone but
//     for  $w.resume($f, yield* $w.pause($f, EXPR)).
//     Plain generators are left alone.
//     Parameter defaults are outside of the try: leave awaits and calls there alone.
//
//   module with top-level await: `const $f = $w.enter($m[i])` first, `$w.exit($f)` last, its awaits as above; name
//     '(module)'.
//
//   sync function that holds an inline callback, or returns a call's value:
//     { const $f = $w.enterSync($m[i]); try { BODY } finally { $w.exitSync($f) } }
//     no catch (a rethrow would change the line that Node prints for an uncaught error).
//       return EXPR (EXPR holds a call) → return $w.ret($f, EXPR, line)
//     Leave alone: generators, getters, setters, constructors, functions without a call.
//
//   sync inline callback (a function expression or arrow that is an argument of a call, not async, not a generator)
//   inside of a frame $f: it is the continuation of $f, not a function of its own. Its body becomes
//     { const $p = $w.into($f, line); try { BODY } finally { $w.out($p) } }
//     `line` = the line of the call that it was given to. `return EXPR` in it stays as it is. A body without call,
//     `new`, `await` or tagged template is left alone. Nothing is created when the closure is made, and its length,
//     name, `this` and `arguments` are untouched.
//     At the top level of a module there is no $f: such a callback is treated as a sync function of its own
//     (enterSync; its name '' or what the transform makes of it).
//
//   optionally, before a statement that calls something without awaiting it:  $f.line = N;
//     (an operation takes the line of its frame when it is asked; `suspend`, `ret` and `into` set it too, also for
//     operations that were asked while their EXPR was evaluated.)

export {};
