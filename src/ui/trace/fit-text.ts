// Text cut to a width, with an ellipsis. Measuring is slow, so what was measured is kept, up to a bound.

type Measure = Pick<CanvasRenderingContext2D, 'measureText' | 'font'>;

const widths = new Map<string, number>();
const fitted = new Map<string, string>();
const mostKept = 5000;
/** Longer names are not looked at beyond this: no canvas is that wide. */
const mostCharacters = 400;

/** Width of a text in pixels in the pen's present font. */
export function textWidth(pen: Measure, text: string): number {
  const key = `${pen.font}\n${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > mostKept) widths.clear();
    width = pen.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/** As much of the text as fits in `room` pixels; '' when not even two characters do. */
export function fitText(pen: Measure, text: string, room: number): string {
  const given = text.length > mostCharacters ? text.slice(0, mostCharacters) : text;
  if (given === text && textWidth(pen, given) <= room) return given;
  if (room < 16) return '';
  const key = `${pen.font}\n${Math.floor(room)}\n${given}`;
  const known = fitted.get(key);
  if (known !== undefined) return known;
  const characters = Array.from(given);
  let low = 0;
  let high = characters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(`${characters.slice(0, middle).join('')}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  const cut = low < 2 ? '' : `${characters.slice(0, low).join('')}…`;
  if (fitted.size > mostKept) fitted.clear();
  fitted.set(key, cut);
  return cut;
}
