import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { merge, newHistogram, quantile, quantiles, record } from './histogram.ts';

const of = (values: readonly number[]) => {
  const histogram = newHistogram();
  for (const value of values) record(histogram, value);
  return histogram;
};

test('of nothing every percentile is 0', () => assert.deepEqual(quantiles(of([]), [0.5, 0.99]), [0, 0]));

test('one value is told exactly', () => assert.deepEqual(quantiles(of([1234567]), [0.5, 0.99]), [1234567, 1234567]));

test('the least and the largest value are told exactly', () => {
  const histogram = of([3, 100, 7]);
  assert.equal(quantile(histogram, 0.01), 3);
  assert.equal(quantile(histogram, 1), 100);
});

const durations = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1e13 }), fc.integer({ min: 1, max: 50 })),
  {
    minLength: 1,
    maxLength: 200,
  },
);

test('any percentile is within 1 % of the value at that rank', () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
      const told = quantile(of(values), share);
      assert.ok(Math.abs(told - exact) <= exact * 0.01, `${told} for ${exact}`);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('two histograms merged are the histogram of both', () => {
  fc.assert(
    fc.property(durations, durations, (a, b) => {
      const merged = of(a);
      merge(merged, of(b));
      const both = of([...a, ...b]);
      assert.deepEqual(quantiles(merged, [0.5, 0.95, 0.99]), quantiles(both, [0.5, 0.95, 0.99]));
      assert.equal(merged.count, both.count);
    }),
    { seed: 2, numRuns: 200 },
  );
});
