// `npm run bench:accounts`: every account of every program, what is true, what was measured, and who is to blame.
//   node --import tsx test/accounts/table.ts [word…] [--attempts 3] [--node 24]

import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/nodes.ts';
import { mostUnexplained, programs, type Result, Suite } from './suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    attempts: { type: 'string', default: '3' },
    // A major version; what runs this if left out.
    node: { type: 'string' },
  },
});

const chosen = programs.filter((name) => positionals.length === 0 || positionals.some((word) => name.includes(word)));
const suite = new Suite(values.node === undefined ? process.execPath : nodeBinary(Number(values.node)));
const results: Result[] = [];
let broken = 0;

const number = (ms: number) => ms.toFixed(1).padStart(8);

function print({ program, accounts, blame, unexplained, faults, short, attempts }: Result): void {
  for (const { of, account, truth, measured, pass } of accounts) {
    const words = `${program.padEnd(26)} ${of.padEnd(16)} ${account.padEnd(20)}`;
    console.log(`${words} ${number(truth)} ${number(measured)} ${number(measured - truth)}  ${pass ? 'ok' : 'WRONG'}`);
  }
  for (const { at, truth, measured, pass, byTimes, byTimesPass } of blame) {
    if (pass && byTimesPass) continue;
    console.log(
      `  ${at} ended by ${truth}: ${pass ? 'ok' : `WRONG, ${measured}`}; by times only ${byTimesPass ? 'ok' : `wrong, ${byTimes}`}`,
    );
  }
  for (const words of short) console.log(`  ${program}: ${words}`);
  for (const fault of faults) console.log(`  WRONG ${fault}`);
  const share = `${(100 * unexplained).toFixed(1)} %`;
  if (unexplained > mostUnexplained) console.log(`  WRONG ${share} unexplained`);
  if (attempts > 1) console.log(`  ${program}: attempt ${attempts}`);
}

try {
  await suite.start();
  const head = ['program'.padEnd(26), 'function'.padEnd(16), 'account'.padEnd(20)].join(' ');
  console.log(`${head} ${'truth'.padStart(8)} ${'measured'.padStart(8)} ${'error'.padStart(8)}  ms`);
  for (const program of chosen) {
    try {
      const result = await suite.check(program, () => true, Number(values.attempts));
      results.push(result);
      print(result);
    } catch (error) {
      broken++;
      console.log(`  WRONG ${(error as Error).message}`);
    }
  }
} finally {
  await suite.stop();
}

const accounts = results.flatMap((one) => one.accounts);
const blame = results.flatMap((one) => one.blame);
const faults = results.flatMap((one) => one.faults);
const right = accounts.filter(({ pass }) => pass).length;
const ours = blame.filter(({ pass }) => pass).length;
const theirs = blame.filter(({ byTimesPass }) => byTimesPass).length;
const worst = accounts.reduce((most, one) => Math.max(most, Math.abs(one.measured - one.truth)), 0);
const least = results.reduce((most, one) => Math.max(most, one.unexplained), 0);
const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
console.log(`
${results.length} programs, ${accounts.length} accounts, ${right} within 2 ms or 5 %; largest error ${worst.toFixed(1)} ms
unexplained: at most ${percent(least, 1)} of a program's time
who ended each of ${blame.length} waits: right ${percent(ours, blame.length)}; by times only ${percent(theirs, blame.length)}
run again for their times: ${results.filter(({ attempts }) => attempts > 1).length} programs`);
const unclear = results.some(({ unexplained }) => unexplained > mostUnexplained);
if (broken > 0 || faults.length > 0 || unclear || right < accounts.length || ours < blame.length) process.exitCode = 1;
