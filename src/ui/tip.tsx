// The one tooltip of the page: text on demand, for the pointer and for keyboard focus alike.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Tip {
  /** The point or box it belongs to, in the window's pixels. */
  readonly at: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly content: ComponentChildren;
}

const shown = signal<Tip | undefined>(undefined);

export const hideTip = (): void => {
  shown.value = undefined;
};

export const showTipAt = (x: number, y: number, content: ComponentChildren): void => {
  shown.value = { at: { left: x, right: x, top: y, bottom: y }, content };
};

/** Handlers that show `content` while an element is pointed at or focused. */
export const tips = (content: () => ComponentChildren) => {
  const show = (event: Event) => {
    shown.value = { at: (event.currentTarget as Element).getBoundingClientRect(), content: content() };
  };
  return { onMouseEnter: show, onFocus: show, onMouseLeave: hideTip, onBlur: hideTip };
};

const margin = 8;

export function TipLayer() {
  const box = useRef<HTMLDivElement>(null);
  const tip = shown.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !tip) return;
    const { width, height } = element.getBoundingClientRect();
    const { left, right, top, bottom } = tip.at;
    const fits = (value: number, size: number, room: number) => Math.max(margin, Math.min(value, room - size - margin));
    element.style.left = `${fits((left + right) / 2 - width / 2, width, innerWidth)}px`;
    const below = bottom + margin + 4;
    const above = top - height - margin;
    element.style.top = `${below + height < innerHeight - margin || above < margin ? fits(below, height, innerHeight) : above}px`;
  });
  if (!tip) return null;
  return (
    <div class="tip" role="tooltip" ref={box}>
      {tip.content}
    </div>
  );
}

/** Name and value, one pair a line. */
export function Pairs({ of }: { of: readonly (readonly [string, ComponentChildren] | false | undefined)[] }) {
  return (
    <dl class="pairs">
      {of.map((pair) =>
        pair ? (
          <>
            <dt>{pair[0]}</dt>
            <dd>{pair[1]}</dd>
          </>
        ) : null,
      )}
    </dl>
  );
}
