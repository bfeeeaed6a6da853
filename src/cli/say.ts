// Where words go: answers that were asked for to stdout, all else to stderr.

import { writeFileSync } from 'node:fs';
import { CliError } from './errors.ts';

/** One line of our own, apart from the program's words. */
export const note = (text: string): void => {
  process.stderr.write(`whywait: ${text}\n`);
};

export const answer = (text: string): void => {
  process.stdout.write(text);
};

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** @throws {CliError} when the file cannot be written. */
export function writeJson(file: string, value: unknown): void {
  try {
    writeFileSync(file, json(value));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError('WW_FILE_NOT_WRITTEN', `${file} cannot be written (${code}).`, 'Give another file to --json.');
  }
}

export function tell(error: CliError): void {
  process.stderr.write(`whywait: ${error.what}\n         ${error.todo} [${error.code}]\n`);
}
