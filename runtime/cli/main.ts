#!/usr/bin/env node
// The `reenact` command: knows the names of all commands and loads only the one that is asked for.
//
// Exit codes: 0 done, 1 failed or damaged, 2 not understood.

import type { Command } from 'commander'

/** A command's file: adds arguments, options and what is done to the command of its name. */
interface CommandFile {
  define(command: Command): void
}

/** Every command by its name. Its file, and the parser, are loaded only for it, so that help starts at once. */
const commands: Readonly<Record<string, [summary: string, load: () => Promise<CommandFile>]>> = {
  verify: ['check every event of a store and say what is damaged', () => import('./verify.ts')],
  log: ['show the events of a store', () => import('./log.ts')],
  streams: ['show the streams of a category', () => import('./streams.ts')],
  serve: ["serve a store to EventStoreDB's clients, for development", () => import('./serve.ts')],
  worker: ['handle posted commands, run processes and reactions', () => import('./worker.ts')],
  processes: [
    'show processes, and let those that are parked go on',
    () => import('./processes.ts'),
  ],
  projections: ['run read models, and show how far they are', () => import('./projections.ts')],
  backup: ['copy a store while it is in use, and check the copy', () => import('./backup.ts')],
}

const help = `Actors on a durable log: the command for looking after Reenact's stores, and for running workers.

Usage: reenact <command> [options]

${Object.entries(commands)
  .map(([name, [summary]]) => `  ${name.padEnd(13)}${summary}`)
  .join('\n')}

  -h, --help     show this help; reenact <command> --help tells what a command takes
  -v, --version  show the version

Without a terminal, or with NO_COLOR set, the output is plain. Exit codes: 0 done, 1 failed or damaged, 2 not
understood.`

async function version(): Promise<string> {
  const { createRequire } = await import('node:module')
  return createRequire(import.meta.url)('reenact/package.json').version
}

async function main([name = '', ...args]: readonly string[]): Promise<void> {
  const isHelp = ['-h', '--help', 'help'].includes(name)
  const [asked = name] = isHelp ? args : []
  const [, load] = Object.hasOwn(commands, asked) ? (commands[asked] ?? []) : []
  if (load) {
    const { parse } = await import('./parse.ts')
    await parse(asked, (await load()).define, isHelp ? ['--help'] : args)
  } else if (isHelp && args.length === 0) console.log(help)
  else if (name === '-v' || name === '--version') console.log(await version())
  else {
    process.exitCode = 2
    console.error(
      asked === ''
        ? help
        : `There is no ${asked.startsWith('-') ? 'option' : 'command'} '${asked}'. See reenact --help`,
    )
  }
}

// `| head` closes the pipe early: what is still to be said has no reader.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

await main(process.argv.slice(2))
