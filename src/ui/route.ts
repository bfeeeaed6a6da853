// What the address says: the view, what is chosen in it, and the run. Everything that a person would want to send to
// another lives here, in the part after "#", so that any server can serve the page and back and forward just work.

export type Route =
  | { readonly view: 'overview'; readonly run: string; readonly sort: string; readonly find: string }
  | {
      readonly view: 'function';
      readonly run: string;
      readonly name: string;
      readonly file: string;
      readonly line: number;
      readonly service: string;
    }
  | { readonly view: 'request'; readonly run: string; readonly name: string }
  | {
      readonly view: 'trace';
      readonly run: string;
      readonly trace: string;
      /** Chosen span as 16 hex digits, '' = none. */
      readonly span: string;
      /** Window of time shown, ns from the start of the trace; undefined = all. */
      readonly window: readonly [number, number] | undefined;
      readonly form: 'waterfall' | 'table';
    };

/** The route in an address's hash; whatever cannot be read is the overview. */
export function parseRoute(hash: string): Route {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const given = new URLSearchParams(query);
  const run = given.get('run') ?? '';
  const [view, argument = ''] = path.split('/');
  if (view === 'function' && given.has('name')) {
    const line = Number(given.get('line') ?? 0);
    return {
      view,
      run,
      name: given.get('name') ?? '',
      file: given.get('file') ?? '',
      line: Number.isSafeInteger(line) ? line : 0,
      service: given.get('service') ?? '',
    };
  }
  if (view === 'request' && given.has('name')) return { view, run, name: given.get('name') ?? '' };
  if (view === 'trace' && /^[0-9a-f]{32}$/.test(argument)) {
    const span = given.get('span') ?? '';
    return {
      view,
      run,
      trace: argument,
      span: /^[0-9a-f]{16}$/.test(span) ? span : '',
      window: parseWindow(given.get('window') ?? ''),
      form: given.get('form') === 'table' ? 'table' : 'waterfall',
    };
  }
  return { view: 'overview', run, sort: given.get('sort') ?? '', find: given.get('find') ?? '' };
}

/** The hash of a route; `parseRoute` reads it back. */
export function formatRoute(route: Route): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string) => {
    if (value !== '') query.set(name, value);
  };
  let path = '';
  if (route.view === 'overview') {
    put('sort', route.sort);
    put('find', route.find);
  } else if (route.view === 'function') {
    path = 'function';
    query.set('name', route.name);
    put('file', route.file);
    put('line', route.line ? String(route.line) : '');
    put('service', route.service);
  } else if (route.view === 'request') {
    path = 'request';
    query.set('name', route.name);
  } else {
    path = `trace/${route.trace}`;
    put('span', route.span);
    put('window', route.window ? `${Math.round(route.window[0])}-${Math.round(route.window[1])}` : '');
    put('form', route.form === 'table' ? 'table' : '');
  }
  put('run', route.run);
  const text = query.toString();
  return `#/${path}${text && `?${text}`}`;
}

function parseWindow(text: string): readonly [number, number] | undefined {
  const match = /^(-?\d+)-(-?\d+)$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? [from, to] : undefined;
}
