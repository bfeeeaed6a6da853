// A user's source → the same source with calls of the frames runtime (../frames.ts) in it.
//
// Every edit is an insertion, bracketed by two comments, never a deletion, a move or a newline:
//
//   async function f() { await g(); }
//   async function f() {/*$<*/const $ww0=$ww.enter($ww.m[7]);try{/*>$*/ /*$<*/$ww.resume($ww0,/*>$*/await …
//
// So lines stay, `original()` gives back the user's own text (for Function.prototype.toString: code that is sent
// to a browser or a worker must not name us), and what the program sees of its functions (length, name, `this`,
// `arguments`, class identity) is untouched. `$ww` is a global, not a constant of the module: cyclic ES modules
// call hoisted functions before the first line of their module has run.
//
// Where the meaning could change, the function is left alone: direct `eval`, `with`, and function declarations in
// a body that cannot be moved into a block (the body is wrapped in `try {…}`).

import { type AnyNode, type Function as FunctionNode, type Node, parse } from 'acorn';
import {
  isPlainCall,
  namingCall,
  promisesOf,
  returnsPromiseLike,
  runsGeneratorAsAsync,
  synchronousCallback,
} from './calls.ts';
import { close, open, siteText } from './text.ts';

export { original, placeSites, siteText } from './text.ts';

/** Where a place of the compiled code came from; undefined when it is not the user's (a bundled dependency). */
export interface Origin {
  readonly file: string;
  readonly line: number;
  /** The identifier there in the original source, where the map tells. */
  readonly name: string | undefined;
}

export interface CompiledFunction {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Text to be put in at an offset of the source. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

export interface Compiled {
  readonly insertions: readonly Insertion[];
  /** `functions[i]` is the site that insertions name by `siteText(i)`. */
  readonly functions: readonly CompiledFunction[];
  /** Functions that were left alone because their meaning could change. */
  readonly leftAlone: number;
}

export type SourceType = 'module' | 'commonjs';

/** What is done with a function. */
type Treatment = 'async' | 'sync' | 'callback' | 'module' | 'none';

/** A function (or the module, or a static block) while it is walked, and the places in it that take an insertion. */
interface Scope {
  readonly node: Node;
  readonly fn: FunctionNode | undefined;
  readonly outer: Scope | undefined;
  readonly name: string;
  readonly nameAt: number;
  /** The call that the function is an argument of. */
  readonly call: AnyNode | undefined;
  /** That call is `map`, `forEach`, …: its callback most often runs before it returns. */
  readonly mostlySynchronous: boolean;
  readonly inWith: boolean;
  readonly isStaticBlock: boolean;
  /** A generator that a helper (tsc's `__awaiter`) runs as an async function. */
  readonly awaiter: boolean;
  readonly sort: 'get' | 'set' | 'constructor' | 'plain';
  /** Offset that tells where the user wrote it. */
  startAt: number;
  pre: number;
  post: number;
  calls: boolean;
  awaits: boolean;
  holdsCallback: boolean;
  returnsCall: boolean;
  evals: boolean;
  varNames: Set<string> | undefined;
  places: Place[];
  treatment: Treatment;
  /** The variable that holds the frame, here or in the nearest scope around that has one. */
  frame: string | undefined;
  depth: number;
  /** It only hands a generator to a helper that runs it as an async function: that one is the function. */
  runsGenerator: boolean;
}

interface Place {
  readonly kind: 'await' | 'yield' | 'return' | 'catch' | 'finally' | 'for' | 'call' | 'keep';
  readonly node: AnyNode;
  /** Numbers of the walk on entering and leaving the node: which of two insertions at one offset comes first. */
  readonly pre: number;
  post: number;
  /** A returned expression holds a call. */
  calls: boolean;
}

interface Hint {
  readonly name?: string;
  readonly nameAt?: number;
  readonly call?: AnyNode;
  readonly mostlySynchronous?: boolean;
  readonly awaiter?: boolean;
  readonly sort?: Scope['sort'];
  readonly startAt?: number;
}

const noHint: Hint = {};

export interface CompileOptions {
  readonly file: string;
  readonly sourceType: SourceType;
  /** Where an offset of the source came from; without it the source is its own origin. */
  readonly originOf?: (line: number, column: number) => Origin | undefined;
}

/**
 * The insertions for a source.
 * @throws {SyntaxError} when the source does not parse.
 */
export function compile(source: string, options: CompileOptions): Compiled {
  const program = parse(source, {
    ecmaVersion: 'latest',
    sourceType: options.sourceType,
    allowHashBang: true,
  });
  return new Walk(source, options).run(program as AnyNode);
}

class Walk {
  readonly source: string;
  readonly options: CompileOptions;
  readonly lineStarts: number[];
  readonly scopes: Scope[] = [];
  readonly classNames: string[] = [];
  /** Names given by a bundler's helper call after the declaration: `n(a, "loadHome")`. */
  readonly helperNames = new Map<string, string>();
  /** Start of a labelled loop → start of its outermost label. */
  readonly labels = new Map<number, number>();
  /** Calls whose value is not awaited at once. */
  readonly kept = new Set<AnyNode>();
  counter = 0;
  withs = 0;

  constructor(source: string, options: CompileOptions) {
    this.source = source;
    this.options = options;
    this.lineStarts = lineStartsOf(source);
  }

  run(program: AnyNode): Compiled {
    const top = this.newScope(program, undefined, undefined, noHint);
    this.scopes.push(top);
    top.pre = this.counter++;
    this.visitChildren(program, top);
    top.post = this.counter++;
    return this.emit();
  }

  newScope(node: AnyNode, fn: FunctionNode | undefined, outer: Scope | undefined, hint: Hint): Scope {
    return {
      node,
      fn,
      outer,
      name: hint.name ?? '',
      nameAt: hint.nameAt ?? -1,
      call: hint.call,
      mostlySynchronous: hint.mostlySynchronous ?? false,
      inWith: this.withs > 0,
      isStaticBlock: node.type === 'StaticBlock',
      awaiter: hint.awaiter ?? false,
      sort: hint.sort ?? 'plain',
      startAt: hint.startAt ?? node.start,
      pre: 0,
      post: 0,
      calls: false,
      awaits: false,
      holdsCallback: false,
      returnsCall: false,
      evals: false,
      varNames: undefined,
      places: [],
      treatment: 'none',
      frame: undefined,
      depth: 0,
      runsGenerator: false,
    };
  }

  visitAll(nodes: readonly (AnyNode | null)[], scope: Scope, parent: AnyNode) {
    for (const node of nodes) if (node) this.visit(node, scope, noHint, parent);
  }

  visitChildren(node: AnyNode, scope: Scope) {
    const fields = node as unknown as Record<string, unknown>;
    for (const key in fields) {
      const value = fields[key];
      if (value === null || typeof value !== 'object') continue;
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) this.visit(item, scope, noHint, node);
      } else if (isNode(value)) this.visit(value, scope, noHint, node);
    }
  }

  visit(node: AnyNode, scope: Scope, hint: Hint, parent: AnyNode | undefined): unknown {
    switch (node.type) {
      case 'Identifier':
      case 'Literal':
      case 'ThisExpression':
      case 'Super':
      case 'MetaProperty':
      case 'PrivateIdentifier':
      case 'TemplateElement':
      case 'EmptyStatement':
      case 'ExportAllDeclaration':
      case 'ImportDeclaration':
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.visitFunction(node, scope, hint, parent);
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.visitClass(node, scope, hint);
      case 'StaticBlock': {
        const inner = this.newScope(node, undefined, scope, noHint);
        this.scopes.push(inner);
        return this.visitChildren(node, inner);
      }
      case 'VariableDeclaration':
        if (node.declarations[0].init) {
          this.noteCall(node.declarations[0].init, node, scope, parent, isPattern(node.declarations[0].id));
        }
        if (node.kind === 'var') for (const { id } of node.declarations) addNames(id, varNames(scope));
        for (const { id, init } of node.declarations) {
          if (id.type !== 'Identifier') this.visit(id, scope, noHint, node);
          if (init) this.visit(init, scope, nameOf(id), node);
        }
        return;
      case 'AssignmentExpression':
        if (node.left.type !== 'Identifier') this.visit(node.left, scope, noHint, node);
        return this.visit(node.right, scope, this.targetName(node.left), node);
      case 'AssignmentPattern':
        if (node.left.type !== 'Identifier') this.visit(node.left, scope, noHint, node);
        return this.visit(node.right, scope, nameOf(node.left), node);
      case 'Property':
        if (node.computed) this.visit(node.key, scope, noHint, node);
        return this.visit(
          node.value,
          scope,
          {
            ...(node.computed ? noHint : nameOf(node.key)),
            sort: node.kind === 'init' ? 'plain' : node.kind,
            ...(node.value.start === node.start || !node.method ? {} : { startAt: node.start }),
          },
          node,
        );
      case 'ExportDefaultDeclaration':
        return this.visit(node.declaration, scope, { name: 'default', nameAt: node.declaration.start }, node);
      case 'ParenthesizedExpression':
        return this.visit(node.expression, scope, hint, node);
      case 'BinaryExpression':
      case 'LogicalExpression': {
        // Left-deep chains of a thousand `+` are real; do not recurse into them.
        const rights: [AnyNode, AnyNode][] = [];
        let left: AnyNode = node;
        while (left.type === 'BinaryExpression' || left.type === 'LogicalExpression') {
          rights.push([left.right, left]);
          left = left.left;
        }
        this.visit(left, scope, noHint, node);
        while (rights.length > 0) {
          const [right, of] = rights.pop()!;
          this.visit(right, scope, of.type === 'LogicalExpression' ? hint : noHint, of);
        }
        return;
      }
      case 'CallExpression':
      case 'NewExpression':
        return this.visitCall(node, scope);
      case 'TaggedTemplateExpression':
      case 'ImportExpression':
        scope.calls = true;
        return this.visitChildren(node, scope);
      case 'AwaitExpression': {
        if (!scope.awaits && !scope.fn) scope.startAt = node.start;
        scope.awaits = scope.calls = true;
        const place = this.place('await', node, scope);
        this.visit(node.argument, scope, noHint, node);
        place.post = this.counter++;
        return;
      }
      case 'YieldExpression': {
        scope.awaits = scope.calls = true;
        const place = this.place(scope.awaiter ? 'await' : 'yield', node, scope);
        if (node.argument) this.visit(node.argument, scope, noHint, node);
        place.post = this.counter++;
        return;
      }
      case 'ReturnStatement': {
        if (!node.argument) return;
        const place = this.place('return', node, scope);
        const called = scope.calls;
        scope.calls = false;
        this.visit(node.argument, scope, noHint, node);
        place.calls = scope.calls;
        if (scope.calls && returnsPromiseLike(node.argument)) scope.returnsCall = true;
        scope.calls ||= called;
        place.post = this.counter++;
        return;
      }
      case 'TryStatement':
        this.visit(node.block, scope, noHint, node);
        if (node.handler) {
          const place = this.place('catch', node.handler, scope);
          place.post = place.pre;
          this.visitChildren(node.handler, scope);
        }
        if (node.finalizer) {
          const place = this.place('finally', node.finalizer, scope);
          place.post = place.pre;
          this.visit(node.finalizer, scope, noHint, node);
        }
        return;
      case 'ForOfStatement':
        if (!node.await) return this.visitChildren(node, scope);
        {
          if (!scope.awaits && !scope.fn) scope.startAt = node.start;
          scope.awaits = scope.calls = true;
          const place = this.place('for', node, scope);
          this.visitChildren(node, scope);
          place.post = this.counter++;
        }
        return;
      case 'WithStatement':
        for (let at: Scope | undefined = scope; at; at = at.outer) at.evals = true;
        this.visit(node.object, scope, noHint, node);
        this.withs++;
        this.visit(node.body, scope, noHint, node);
        this.withs--;
        return;
      case 'LabeledStatement': {
        let body: AnyNode = node;
        while (body.type === 'LabeledStatement') body = body.body;
        if (body.type === 'ForOfStatement' && !this.labels.has(body.start)) this.labels.set(body.start, node.start);
        return this.visit(node.body, scope, noHint, node);
      }
      case 'ExpressionStatement':
        if (parent && (parent.type === 'BlockStatement' || parent.type === 'Program') && node.directive === undefined) {
          const { expression } = node;
          if (expression.type === 'CallExpression') {
            const [first, second] = expression.arguments;
            const name = namingCall(expression);
            if (name !== undefined && first?.type === 'Identifier' && second) this.helperNames.set(first.name, name);
          }
        }
        this.noteCall(node.expression, node, scope, parent);
        return this.visit(node.expression, scope, noHint, node);
      default:
        return this.visitChildren(node, scope);
    }
  }

  /**
   * A statement of a list that calls something and goes on: its line is said before it. What is taken apart is no
   * promise, and V8's words about it quote the call.
   */
  noteCall(expression: AnyNode, statement: AnyNode, scope: Scope, parent: AnyNode | undefined, isTakenApart = false) {
    if (parent?.type !== 'BlockStatement' && parent?.type !== 'SwitchCase') return;
    let at = expression;
    let apart = isTakenApart;
    while (at.type === 'AssignmentExpression' || at.type === 'UnaryExpression' || at.type === 'ChainExpression') {
      apart ||= at.type === 'AssignmentExpression' && isPattern(at.left);
      at = at.type === 'AssignmentExpression' ? at.right : at.type === 'UnaryExpression' ? at.argument : at.expression;
    }
    if (at.type !== 'CallExpression' || isPlainCall(at) || at.callee.type === 'Super') return;
    this.place('call', statement, scope);
    if (!apart) this.kept.add(at);
  }

  place(kind: Place['kind'], node: AnyNode, scope: Scope): Place {
    const place = { kind, node, pre: this.counter++, post: 0, calls: false };
    scope.places.push(place);
    return place;
  }

  visitFunction(node: FunctionNode, scope: Scope, hint: Hint, parent: AnyNode | undefined) {
    const own = node.id ? { name: node.id.name, nameAt: node.id.start } : undefined;
    const inner = this.newScope(node as AnyNode, node, scope, own ? { ...hint, ...own } : hint);
    this.scopes.push(inner);
    if (node.type === 'FunctionDeclaration' && node.id && parent !== scope.fn?.body && parent?.type !== 'Program')
      varNames(scope).add(node.id.name);
    inner.pre = this.counter++;
    // Defaults of parameters run outside of the body, where its frame is not in scope.
    for (const param of node.params) if (param.type !== 'Identifier') this.visit(param, scope, noHint, node as AnyNode);
    if (node.body.type === 'BlockStatement') this.visitAll(node.body.body, inner, node.body);
    else {
      this.visit(node.body, inner, noHint, node as AnyNode);
      if (inner.calls && returnsPromiseLike(node.body)) inner.returnsCall = true;
    }
    inner.post = this.counter++;
  }

  visitClass(node: AnyNode & { type: 'ClassDeclaration' | 'ClassExpression' }, scope: Scope, hint: Hint) {
    let name = node.id?.name ?? hint.name ?? '';
    let nameAt = node.id?.start ?? hint.nameAt ?? -1;
    for (const member of node.body.body) {
      // static { __name(this, "Feed") }: esbuild's --keep-names.
      const statement = member.type === 'StaticBlock' ? member.body[0] : undefined;
      if (statement?.type !== 'ExpressionStatement' || statement.expression.type !== 'CallExpression') continue;
      const given = namingCall(statement.expression);
      if (given !== undefined && statement.expression.arguments[0]?.type === 'ThisExpression') {
        name = given;
        nameAt = -1;
      }
    }
    if (nameAt >= 0) name = this.originalName(nameAt) ?? name;
    if (node.superClass) this.visit(node.superClass, scope, noHint, node);
    const method = (key: AnyNode) => {
      const own = keyName(key);
      return { name: name && own ? `${name}.${own}` : own || name, nameAt: -1 };
    };
    for (const member of node.body.body) {
      if (member.type === 'StaticBlock') {
        this.visit(member, scope, noHint, node);
        continue;
      }
      if (member.computed) this.visit(member.key, scope, noHint, node);
      if (!member.value) continue;
      this.classNames.push(name);
      const names = member.computed ? noHint : method(member.key);
      const sort = member.type === 'MethodDefinition' && member.kind !== 'method' ? member.kind : 'plain';
      this.visit(
        member.value,
        scope,
        { ...names, sort, ...(member.type === 'MethodDefinition' ? { startAt: member.start } : {}) },
        member,
      );
      this.classNames.pop();
    }
  }

  visitCall(node: AnyNode & { type: 'CallExpression' | 'NewExpression' }, scope: Scope) {
    if (node.callee.type === 'Identifier' && node.callee.name === 'eval')
      for (let at: Scope | undefined = scope; at; at = at.outer) at.evals = true;
    const kept = this.kept.has(node) ? this.place('keep', node, scope) : undefined;
    for (const element of promisesOf(node)) this.kept.add(element);
    this.visit(node.callee, scope, noHint, node);
    scope.calls ||= !isPlainCall(node);
    const name = namingCall(node);
    const runsGenerator = runsGeneratorAsAsync(node);
    for (const argument of node.arguments) {
      if (argument.type !== 'FunctionExpression' && argument.type !== 'ArrowFunctionExpression') {
        this.visit(argument, scope, name === undefined ? noHint : { name, nameAt: -1 }, node);
        continue;
      }
      if (name !== undefined) this.visit(argument, scope, { name, nameAt: -1 }, node);
      else if (runsGenerator && argument.generator) {
        scope.runsGenerator = true;
        this.visit(argument, scope, { name: scope.name, nameAt: scope.nameAt, awaiter: true }, node);
      } else {
        const synchronous = synchronousCallback(node);
        if (synchronous === 'no') scope.holdsCallback = true;
        const hint = { call: node, mostlySynchronous: synchronous === 'mostly' };
        this.visit(argument, scope, synchronous === 'always' ? noHint : hint, node);
      }
    }
    if (kept !== undefined) kept.post = this.counter++;
  }

  /** `x = …`, `exports.load = …`, `Feed.prototype.load = …`, `this.load = …`. */
  targetName(left: AnyNode): Hint {
    if (left.type === 'Identifier') return nameOf(left);
    if (left.type !== 'MemberExpression' || left.computed) return noHint;
    const own = keyName(left.property);
    const { object } = left;
    if (object.type === 'ThisExpression') {
      const className = this.classNames.at(-1);
      return { name: className ? `${className}.${own}` : own, nameAt: left.property.start };
    }
    if (
      object.type === 'MemberExpression' &&
      object.object.type === 'Identifier' &&
      keyName(object.property) === 'prototype'
    )
      return { name: `${object.object.name}.${own}` };
    if (object.type === 'Identifier' && object.name === 'module' && own === 'exports') return { name: 'exports' };
    return { name: own, nameAt: left.property.start };
  }

  // ---- second half: what to insert

  emit(): Compiled {
    const edits: { at: number; suffix: boolean; order: number; text: string }[] = [];
    const functions: CompiledFunction[] = [];
    let leftAlone = 0;
    const before = (at: number, order: number, text: string) => edits.push({ at, suffix: false, order, text });
    const after = (at: number, order: number, text: string) => edits.push({ at, suffix: true, order, text });
    const { source } = this;

    for (const scope of this.scopes) {
      const outer = scope.outer;
      const outerFrame = outer?.frame;
      scope.depth = outer ? outer.depth : 0;
      scope.frame = outerFrame;
      scope.treatment = treatmentOf(scope, outerFrame);
      if (scope.treatment === 'none') continue;
      if (scope.inWith || scope.evals || (scope.fn && !bodyFitsBlock(scope))) {
        leftAlone++;
        scope.treatment = 'none';
        continue;
      }
      const origin = this.originOfScope(scope);
      if (!origin) {
        scope.treatment = 'none';
        continue;
      }
      const frame = `$ww${scope.depth++}`;
      scope.frame = frame;
      const site = siteText(functions.length);
      functions.push({ name: this.nameOf(scope), file: origin.file, line: scope.fn ? origin.line : 1 });

      const { fn } = scope;
      if (!fn) {
        const top = scope.node as AnyNode & { type: 'Program' };
        const [at, separator] = afterDirectives(top.body, top.body[0].start, source);
        before(at, scope.pre, `${separator}const ${frame}=$ww.enter(${site});`);
        after(top.body[top.body.length - 1].end, scope.post, `;$ww.exit(${frame})`);
      } else {
        const enter =
          scope.treatment === 'async'
            ? `const ${frame}=$ww.enter(${site}${scope.call && outerFrame ? `,${outerFrame}` : ''});try{`
            : scope.treatment === 'sync'
              ? `const ${frame}=$ww.enterSync(${site});try{`
              : `const ${frame}=$ww.into(${outerFrame},${this.lineAt(scope.call!.start)},${site});try{`;
        const leave =
          scope.treatment === 'async'
            ? `}catch($wwe){throw $ww.fail(${frame},$wwe)}finally{$ww.exit(${frame})}`
            : scope.treatment === 'sync'
              ? `}finally{$ww.exitSync(${frame})}`
              : `}finally{$ww.out(${frame})}`;
        if (fn.body.type === 'BlockStatement') {
          const [at, separator] = afterDirectives(fn.body.body, fn.body.start + 1, source);
          before(at, scope.pre, separator + enter);
          after(fn.body.end - 1, scope.post, leave);
        } else {
          const ret = scope.treatment !== 'callback' && scope.calls && fn.body.type !== 'AwaitExpression';
          const at = arrowEnd(fn, source);
          before(at, scope.pre, `{${enter}return ${ret ? `$ww.ret(${frame},` : ''}(`);
          after(fn.end, scope.post, `)${ret ? `,${this.lineAt(fn.body.start)})` : ''}${leave}}`);
        }
      }
      this.emitPlaces(scope, frame, before, after);
    }

    edits.sort((a, b) => a.at - b.at || Number(b.suffix) - Number(a.suffix) || a.order - b.order);
    const insertions: Insertion[] = [];
    for (const { at, text } of edits) insertions.push({ at, text: open + text + close });
    return { insertions, functions, leftAlone };
  }

  emitPlaces(
    scope: Scope,
    frame: string,
    before: (at: number, order: number, text: string) => void,
    after: (at: number, order: number, text: string) => void,
  ) {
    const { source } = this;
    const isAsync = scope.treatment === 'async' || scope.treatment === 'module';
    const isGenerator = scope.fn?.generator === true && !scope.awaiter;
    for (const { kind, node, calls, pre, post } of scope.places) {
      switch (kind) {
        case 'await': {
          if (!isAsync) break;
          before(node.start, pre, `$ww.resume(${frame},`);
          const bare = node.type === 'YieldExpression' && !node.argument;
          const after5 = node.start + 5;
          if (bare) after(after5, pre, ` $ww.suspend(${frame},void 0,${this.lineAt(node.start)}))`);
          else {
            before(after5, pre, ` $ww.suspend(${frame},`);
            after(node.end, post, `,${this.lineAt(node.start)}))`);
          }
          break;
        }
        case 'yield': {
          if (!isAsync || node.type !== 'YieldExpression') break;
          before(node.start, pre, `$ww.resume(${frame},`);
          if (!node.argument) after(node.start + 5, pre, ` $ww.pause(${frame},void 0))`);
          else {
            const at = node.delegate ? skip(source, node.start + 5, '*') + 1 : node.start + 5;
            before(at, pre, ` $ww.pause(${frame},`);
            after(node.end, post, '))');
          }
          break;
        }
        case 'return': {
          if (node.type !== 'ReturnStatement' || !node.argument || scope.treatment === 'callback') break;
          if (!isGenerator && (node.argument.type === 'AwaitExpression' || !calls)) break;
          const end = source[node.end - 1] === ';' ? node.end - 1 : node.end;
          before(node.start + 6, pre, isGenerator ? ` $ww.pause(${frame},(` : ` $ww.ret(${frame},(`);
          after(end, post, isGenerator ? '))' : `),${this.lineAt(node.argument.start)})`);
          break;
        }
        case 'call':
          if (scope.treatment !== 'callback') before(node.start, pre, `${frame}.line=${this.lineAt(node.start)};`);
          break;
        case 'keep':
          before(node.start, pre, `$ww.keep(${frame},`);
          after(node.end, post, `,${this.lineAt(node.start)})`);
          break;
        case 'catch':
          if (isAsync && node.type === 'CatchClause') {
            const caught = node.param?.type === 'Identifier' ? `,${node.param.name}` : '';
            before(node.body.start + 1, pre, `$ww.back(${frame}${caught});`);
          }
          break;
        case 'finally':
          if (isAsync) before(node.start + 1, pre, `$ww.back(${frame});`);
          break;
        case 'for': {
          if (!isAsync || node.type !== 'ForOfStatement') break;
          const start = this.labels.get(node.start) ?? node.start;
          const of = skip(source, node.left.end, 'of') + 2;
          const paren = lastParen(source, node.right.end, node.body.start);
          before(start, pre, '{');
          before(of, pre, ` $ww.each(${frame},`);
          after(paren, post, `,${this.lineAt(node.start)})`);
          before(node.body.start, pre, `{$ww.back(${frame});`);
          after(node.end, post, `}$ww.back(${frame});}`);
          break;
        }
      }
    }
  }

  /** Where the user wrote a function: maps do not name every place, helpers' generators hardly ever. */
  originOfScope(scope: Scope): Origin | undefined {
    const { fn } = scope;
    if (scope.awaiter && scope.outer?.runsGenerator) return this.originOfScope(scope.outer);
    let origin = this.originAt(scope.startAt);
    if (!fn || origin || !this.options.originOf) return origin;
    origin = this.originAt(fn.start) ?? this.originAt(fn.body.start);
    // An await shows whose function it is; other code may lie in a wrapper of the bundler's.
    for (const { kind, node } of scope.places) if (!origin && kind === 'await') origin = this.originAt(node.start);
    return origin;
  }

  nameOf(scope: Scope): string {
    if (!scope.fn) return '(module)';
    const mapped = scope.nameAt >= 0 ? this.originalName(scope.nameAt) : undefined;
    return mapped ?? this.helperNames.get(scope.name) ?? scope.name;
  }

  originAt(at: number): Origin | undefined {
    const { originOf, file } = this.options;
    const line = this.lineOf(at);
    if (!originOf) return { file, line: line + 1, name: undefined };
    return originOf(line, at - this.lineStarts[line]);
  }

  originalName(at: number): string | undefined {
    return this.options.originOf ? this.originAt(at)?.name : undefined;
  }

  /** The user's line, 1-based; 0 when not known. */
  lineAt(at: number): number {
    return this.originAt(at)?.line ?? 0;
  }

  /** The compiled line of an offset, 0-based. */
  lineOf(at: number): number {
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function treatmentOf(scope: Scope, outerFrame: string | undefined): Treatment {
  const { fn } = scope;
  if (!fn) return scope.awaits && !scope.isStaticBlock ? 'module' : 'none';
  if (!scope.calls) return 'none';
  if (fn.async || scope.awaiter) return 'async';
  if (fn.generator || scope.sort !== 'plain' || scope.runsGenerator) return 'none';
  if (scope.call && outerFrame) return 'callback';
  return scope.holdsCallback || scope.returnsCall || (scope.call && !scope.mostlySynchronous) ? 'sync' : 'none';
}

/**
 * True when the statements of a function's body mean the same inside of a block. A function declaration there becomes
 * lexical: it must not meet a `var`, a parameter or a second declaration of its name.
 */
function bodyFitsBlock({ fn, varNames }: Scope): boolean {
  if (fn?.body.type !== 'BlockStatement') return true;
  const declared = new Set<string>();
  for (let statement of fn.body.body) {
    while (statement.type === 'LabeledStatement') statement = statement.body;
    if (statement.type !== 'FunctionDeclaration' || !statement.id) continue;
    const { name } = statement.id;
    if (declared.has(name) || name === 'arguments' || varNames?.has(name)) return false;
    declared.add(name);
  }
  if (declared.size === 0) return true;
  const params = new Set<string>();
  for (const param of fn.params) addNames(param, params);
  for (const name of declared) if (params.has(name)) return false;
  return true;
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

const varNames = (scope: Scope): Set<string> => {
  scope.varNames ??= new Set();
  return scope.varNames;
};

function addNames(pattern: AnyNode, names: Set<string>): unknown {
  switch (pattern.type) {
    case 'Identifier':
      names.add(pattern.name);
      return;
    case 'ObjectPattern':
      for (const property of pattern.properties) addNames(property, names);
      return;
    case 'Property':
      return addNames(pattern.value, names);
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element) addNames(element, names);
      return;
    case 'AssignmentPattern':
      return addNames(pattern.left, names);
    case 'RestElement':
      return addNames(pattern.argument, names);
    default:
      return;
  }
}

function keyName(key: AnyNode): string {
  if (key.type === 'Identifier') return key.name;
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  if (key.type === 'Literal') return String(key.value);
  return '';
}

const nameOf = (node: AnyNode): Hint =>
  node.type === 'Identifier' || node.type === 'Literal' ? { name: keyName(node), nameAt: node.start } : noHint;

/** Where code may start after the directives of a body, and the semicolon that the last one lacks. */
function afterDirectives(body: readonly AnyNode[], start: number, source: string): [number, string] {
  let at = start;
  let separator = '';
  for (const statement of body) {
    if (statement.type !== 'ExpressionStatement' || statement.directive === undefined) break;
    at = statement.end;
    separator = source[at - 1] === ';' ? '' : ';';
  }
  return [at, separator];
}

function lineStartsOf(source: string): number[] {
  const starts = [0];
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 10 || code === 0x2028 || code === 0x2029) starts.push(at + 1);
    else if (code === 13) {
      if (source.charCodeAt(at + 1) === 10) at++;
      starts.push(at + 1);
    }
  }
  return starts;
}

/** The offset of `token` at or after `at`, over white space, comments, commas and closing parentheses. */
function skip(source: string, at: number, token: string): number {
  for (;;) {
    if (source.startsWith('/*', at)) at = source.indexOf('*/', at + 2) + 2;
    else if (source.startsWith('//', at)) at = endOfLine(source, at);
    else if (source.startsWith(token, at)) return at;
    else if (at >= source.length) throw new Error(`no ${token} in the source`);
    else at++;
  }
}

/** The offset of the last closing parenthesis in a stretch that holds white space, comments and parentheses. */
function lastParen(source: string, from: number, to: number): number {
  let found = -1;
  for (let at = from; at < to; at++) {
    if (source.startsWith('/*', at)) at = source.indexOf('*/', at + 2) + 1;
    else if (source.startsWith('//', at)) at = endOfLine(source, at);
    else if (source[at] === ')') found = at;
  }
  if (found < 0) throw new Error('no ) in the source');
  return found;
}

const endOfLine = (source: string, at: number): number => {
  const rest = /[\n\r\u2028\u2029]/g;
  rest.lastIndex = at;
  return rest.test(source) ? rest.lastIndex - 1 : source.length;
};

/** The offset after an arrow function's `=>`. */
function arrowEnd(fn: FunctionNode, source: string): number {
  const last = fn.params[fn.params.length - 1];
  return skip(source, last ? last.end : fn.start, '=>') + 2;
}

function isPattern({ type }: AnyNode): boolean {
  return type === 'ObjectPattern' || type === 'ArrayPattern';
}
