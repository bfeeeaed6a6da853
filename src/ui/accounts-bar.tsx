// Where a function's wall time went, as a bar that sums to 100 %.

import type { Accounts } from '../model/report.ts';
import { accounts } from './categories.ts';
import { Pairs, tips } from './tip.tsx';
import { formatMs, formatShare } from './units.ts';

/** The accounts that are there, with their shares; the shares sum to 1 (to nothing where there is no time). */
export function shares(of: Accounts): { name: string; colour: string; meaning: string; ms: number; share: number }[] {
  let total = 0;
  for (const { key } of accounts) total += Math.max(0, of[key]);
  if (total <= 0) return [];
  return accounts
    .map(({ key, name, colour, meaning }) => ({
      name,
      colour,
      meaning,
      ms: of[key],
      share: Math.max(0, of[key]) / total,
    }))
    .filter(({ share }) => share > 0);
}

export function AccountsBar({ of, name, tall = false }: { of: Accounts; name: string; tall?: boolean }) {
  const parts = shares(of);
  const said = parts.map((part) => `${part.name} ${formatShare(part.share)}`).join(', ');
  return (
    <div
      class={tall ? 'parts tall' : 'parts'}
      role="img"
      aria-label={`Where the time of ${name} went: ${said || 'no time'}`}
      {...tips(() => (
        <>
          <b>Where the time went</b>
          <Pairs of={parts.map((part) => [part.name, `${formatShare(part.share)} · ${formatMs(part.ms)}`] as const)} />
        </>
      ))}
    >
      {parts.map((part) => (
        <div
          key={part.name}
          class={`part ${part.name}`}
          data-account={part.name}
          style={{ width: `${part.share * 100}%`, backgroundColor: `var(${part.colour})` }}
        />
      ))}
    </div>
  );
}

export function AccountsLegend() {
  return (
    <>
      {accounts.map(({ name, colour, meaning }) => (
        <span key={name} title={meaning}>
          <i class={`swatch ${name}`} style={{ backgroundColor: `var(${colour})` }} />
          {name}
        </span>
      ))}
    </>
  );
}
