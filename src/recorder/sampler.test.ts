import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sampler } from './sampler.ts';

/** Numbers in [0, 1) that look random and are the same each time. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('at a rate of 1 all are recorded, and stand for themselves', () => {
  const sampler = new Sampler(seeded(1));
  for (let i = 0; i < 1000; i++) assert.equal(sampler.next(1 + (i % 5), 1, 0), 1);
});

test('the weights add up to what was seen but for what followed the last group, whatever the rate was meanwhile', () => {
  const chance = seeded(2);
  for (let run = 0; run < 200; run++) {
    const sampler = new Sampler(seeded(run));
    let rate = 1;
    let sum = 0;
    let recorded = 0;
    let together = 1;
    const seen = 5000;
    for (let i = 0; i < seen; i++) {
      if (i % 100 === 0) {
        rate = 1 + Math.floor(chance() * 20);
        together = 1 + Math.floor(chance() * 8);
      }
      const weight = sampler.next(together, rate, 0);
      sum += weight;
      if (weight > 0) recorded++;
    }
    // A group may not be over, and weights are whole numbers.
    assert.ok(Math.abs(seen - sampler.open - sum) <= 30 * 8, `${run}: ${seen} seen, ${sampler.open} open, ${sum}`);
    assert.ok(recorded > 100 && recorded < seen);
  }
});

test('of kinds that alternate, each is counted right', () => {
  const totals = [0, 0, 0];
  const runs = 400;
  for (let run = 0; run < runs; run++) {
    const sampler = new Sampler(seeded(run + 7));
    for (let i = 0; i < 3000; i++) totals[i % 3]! += sampler.next(1, 6, 0);
  }
  for (const total of totals) assert.ok(Math.abs(total / runs - 1000) < 20, `${totals.map((sum) => sum / runs)}`);
});

test('a rate that falls ends a long gap', () => {
  const sampler = new Sampler(seeded(3));
  sampler.next(1, 100_000, 0);
  for (let i = 0; i < 50; i++) sampler.next(1, 100_000, 0);
  let passed = 0;
  while (sampler.next(1, 4, 0) === 0) passed++;
  assert.ok(passed <= 5, `${passed} passed over`);
});

test('a group begins each second, however low the rate', () => {
  const sampler = new Sampler(seeded(4));
  const recorded: number[] = [];
  for (let ms = 0; ms < 5000; ms += 10) {
    const weight = sampler.next(1, 1_000_000, ms * 1e6);
    if (weight > 0) recorded.push(weight);
  }
  assert.deepEqual(recorded, [1, 100, 100, 100, 100]);
});
