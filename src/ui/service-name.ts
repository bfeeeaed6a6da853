// A service's URL in the parts that a reader looks for: what it is, its name, where it is.

export interface ServiceParts {
  readonly protocol: string;
  /** Database or the like; '' when the URL has none. */
  readonly name: string;
  readonly host: string;
}

/** "mysql://127.0.0.1:3306/pins" → mysql, pins, 127.0.0.1:3306. What is no URL is all host. */
export function serviceParts(url: string): ServiceParts {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(?:\/(.*))?$/is.exec(url);
  if (!match) return { protocol: '', name: '', host: url };
  return { protocol: match[1], host: match[2], name: match[3] ?? '' };
}

/** A host of this machine by its port alone: "127.0.0.1:4001" → ":4001". */
export const shortHost = (host: string): string => host.replace(/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(?=:\d)/, '');

/** "mysql pins", "http :4001": short, where a column has no room for more. */
export function shortService(url: string): string {
  const { protocol, name, host } = serviceParts(url);
  return `${protocol} ${name || shortHost(host)}`.trim();
}
