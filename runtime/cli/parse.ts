// Runs one command: its arguments are read by commander, its errors become sentences and exit codes.

import { Command, CommanderError } from 'commander'
import { isReenactError } from '../core/errors.ts'

/** Reads the arguments of the command and does what it says. Never rejects. */
export async function parse(
  name: string,
  define: (command: Command) => void,
  args: readonly string[],
): Promise<void> {
  const command = new Command(`reenact ${name}`)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({ outputError: (text, write) => write(sentence(text)) })
    .showHelpAfterError(`See reenact ${name} --help`)
    .exitOverride()
  define(command)
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else report(error)
  }
}

/** `error: unknown option '--x'` becomes a sentence. */
function sentence(text: string): string {
  const [, first = '', rest = ''] = /^(?:error: )?([^\n]*)(.*)$/s.exec(text) ?? []
  return `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, '')}.${rest}`
}

/** An error of ours says what to do next; any other is a bug, and where it happened is told too. */
function report(error: unknown): void {
  const told =
    error instanceof Error ? (isReenactError(error) ? error.message : error.stack) : error
  process.stderr.write(`${String(told)}\n`)
  process.exitCode = 1
}
