// Which of many alike are recorded, and for how many each then stands.
//
//   seen       ○ ○ ○ ○ ○ ○ ● ● ● ○ ○ ○ ○ ○ ○ ○ ○ ○ ○ ● ● ● …
//              ├──────────────┤├──────────────────────┤
//   weight             3                   4 or 5               all that were seen since the last group, over its size
//
// Groups of neighbours, at distances by chance around their mean: nothing periodic in the program meets them. A group
// stands for all since the one before it, so that the weights add up to what was seen, whatever the rate was meanwhile;
// what came after the last group is `open`.

/** A group begins at least this often, ns: what is open is never old. */
const longestNs = 1e9;

export class Sampler {
  private readonly chance: () => number;
  /** Still to come in this group, and their weight. */
  private left = 0;
  private weight = 1;
  /** Seen since the last group, and not yet stood for. */
  open = 0;
  /** To be passed over before the next group. */
  private gap = 0;
  private groupAt = 0;

  /** @param chance numbers in [0, 1) */
  constructor(chance: () => number) {
    this.chance = chance;
  }

  /**
   * The weight of the next one; 0 = it is not recorded.
   * @param together the size of a group that begins now
   * @param rate of so many groups one is recorded, from the next on
   * @param at now, ns
   */
  next(together: number, rate: number, at: number): number {
    this.open++;
    if (this.left > 0) {
      this.left--;
      this.open--;
      return this.weight;
    }
    // The rate may have fallen since the gap was drawn.
    if (this.gap > 1.5 * (rate - 1) * together) this.gap = this.draw(together, rate);
    if (this.gap > 0 && at - this.groupAt < longestNs) {
      this.gap--;
      return 0;
    }
    const standsFor = this.open - 1 + together;
    this.weight = Math.max(1, Math.round(standsFor / together));
    this.open = standsFor - this.weight * together;
    this.left = together - 1;
    this.groupAt = at;
    this.gap = this.draw(together, rate);
    return this.weight;
  }

  private draw(together: number, rate: number): number {
    return Math.round((rate - 1) * together * (0.5 + this.chance()));
  }
}
