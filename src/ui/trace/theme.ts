// The colours of style.css as canvas wants them, read once a theme.

import { Kind } from '../../model/schema.ts';
import { stretches } from '../categories.ts';
import type { BarColours } from './draw-bars.ts';

export interface Theme {
  readonly bars: BarColours;
  readonly surface: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly lineStrong: string;
  readonly hover: string;
  readonly accent: string;
  readonly error: string;
  readonly critical: string;
  readonly pathLink: string;
  /** Behind bars: the event loop held, and garbage collection. */
  readonly held: string;
  readonly gc: string;
  readonly sans: string;
}

export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  const ground: string[] = [];
  ground[Kind.internal] = of('--frame');
  ground[Kind.server] = of('--request');
  ground[Kind.client] = of('--unexplained');
  ground[Kind.producer] = of('--server');
  ground[Kind.consumer] = of('--request');
  return {
    bars: { ground, stretch: stretches.map(({ colour }) => of(colour)) },
    surface: of('--surface'),
    ink: of('--ink'),
    soft: of('--soft'),
    line: of('--line'),
    lineStrong: of('--line-strong'),
    hover: of('--hover'),
    accent: of('--accent'),
    error: of('--error'),
    critical: of('--critical'),
    pathLink: of('--path-link'),
    held: of('--held'),
    gc: of('--gc'),
    sans: style.fontFamily,
  };
}
