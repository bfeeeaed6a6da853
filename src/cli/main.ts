// The command line: words → work. Options are read here; each command is a file of its own.

import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { calls } from './calls.ts';
import { asCliError, CliError, usageExit } from './errors.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { listRuns, removeRuns } from './runs.ts';
import { tell } from './say.ts';
import { view } from './view.ts';

// What reads our words may have left (`whywait report | head`).
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const packageFile = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

const dirOption = () => new Option('--dir <dir>', 'where .whywait is (default: this directory)');
const portOption = () => new Option('--port <port>', 'port of the page (default: a free one)').argParser(port);
const jsonOption = () => new Option('--json', 'print JSON');
const colorOption = () => new Option('--no-color', 'no colours (NO_COLOR does the same)');
const runWords = 'its id, the beginning of it, its name, or latest (the default)';

function port(given: string): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && value <= 65535) return value;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

function share(given: string): number {
  const value = Number(given.replace(/ ?%$/, '')) / 100;
  if (/^\d+(\.\d+)? ?%$/.test(given) && value >= 0.001 && value < 1) return value;
  throw new InvalidArgumentError('A budget is a share of the CPU time, from 0.1% to 99%.');
}

const program = new Command('whywait')
  .description(
    'Which of your functions waits for which service, how long, and why.\nRecords an unmodified Node program.',
  )
  .version(version, '-v, --version')
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
Examples:
  whywait run app.js                      node app.js, and the report when it ends
  whywait run -- npm start                anything that starts Node processes
  whywait run npx tsx src/app.ts > out    out holds the program's own words only
  whywait report                          the last run, or the one going on
  whywait calls loadHome mysql            does loadHome call MySQL?
  whywait view                            the page: matrix, traces, critical paths`,
  );

program
  .command('run')
  .description('start a program, record it, and print who waited for what when it ends')
  .usage('[options] [--] <command…>')
  .argument('<command...>', 'the program and its arguments; app.js is short for node app.js')
  .option('--name <name>', 'name of the run')
  .addOption(dirOption())
  .option('--no-ui', 'no page while it runs')
  .addOption(portOption())
  .option('--open', 'open the page in the browser')
  .addOption(
    new Option('--functions <on|off>', 'follow your own functions; off: requests only')
      .choices(['on', 'off'])
      .default('on'),
  )
  .option(
    '--propagate <hosts>',
    'hosts, with commas, that get a traceparent beside loopback and private addresses; or none, or all',
    'private',
  )
  .addOption(
    new Option(
      '--budget <share>',
      'record only so many requests that it costs no more CPU time than this: 2%',
    ).argParser(share),
  )
  .option('--json <file>', 'write the report as JSON to a file too')
  .option('--no-report', 'print no report at the end')
  .addOption(colorOption())
  .passThroughOptions()
  .action(run);

program
  .command('report')
  .description('print the report of a run, also while it goes on')
  .argument('[run]', runWords)
  .addOption(dirOption())
  .addOption(jsonOption())
  .option('--all', 'every function and request, not the first 20')
  .addOption(colorOption())
  .action(report);

program
  .command('calls')
  .description('does my function call this service? how often, how long, what, and by which functions')
  .argument('<function>', 'its name, or file:line')
  .argument('[service]', 'its URL or a part of it: mysql, users:3001; left out: every service')
  .option('--run <run>', runWords)
  .addOption(dirOption())
  .addOption(jsonOption())
  .addOption(colorOption())
  .action(calls);

const runs = program
  .command('runs')
  .description('list the runs')
  .addOption(dirOption())
  .addOption(jsonOption())
  .addOption(colorOption())
  .action(listRuns);

runs
  .command('rm')
  .description('remove runs')
  .argument('<run...>', 'ids, beginnings of ids, names, or latest')
  .addOption(dirOption())
  .addOption(jsonOption())
  .addOption(colorOption())
  .action(removeRuns);

program
  .command('view')
  .description('serve the page about the runs')
  .argument('[run]', runWords)
  .addOption(dirOption())
  .addOption(portOption())
  .option('--open', 'open it in the browser')
  .addOption(jsonOption())
  .action(view);

/** Commander's words for what is wrong → our codes. */
const usageCodes: Record<string, string> = {
  'commander.unknownOption': 'WW_UNKNOWN_OPTION',
  'commander.unknownCommand': 'WW_UNKNOWN_COMMAND',
  'commander.missingArgument': 'WW_MISSING_ARGUMENT',
  'commander.missingMandatoryOptionValue': 'WW_MISSING_VALUE',
  'commander.optionMissingArgument': 'WW_MISSING_VALUE',
  'commander.excessArguments': 'WW_TOO_MANY_ARGUMENTS',
  'commander.invalidArgument': 'WW_BAD_VALUE',
};

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

for (const command of everyCommand(program)) {
  command.exitOverride().configureOutput({ outputError: () => undefined });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0 && error.code !== 'commander.help') {
      const what = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
      const code = usageCodes[error.code] ?? 'WW_USAGE';
      tell(new CliError(code, `${what[0].toUpperCase()}${what.slice(1)}.`, 'See whywait --help.', usageExit));
      process.exitCode = usageExit;
    } else process.exitCode = error.exitCode === 0 ? 0 : usageExit;
  } else {
    const told = asCliError(error);
    if (told === undefined) throw error;
    tell(told);
    process.exitCode = told.exitCode;
  }
}
