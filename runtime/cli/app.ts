// The argument APP of several commands: a module of the user's that gives a runtime.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import type { AnyProjection } from '../../projections/index.ts'
import type { Runtime } from '../host/create-runtime.ts'

type Exports = Readonly<Record<string, unknown>>

/** Adds the argument of a module that gives a runtime. */
export const takesApp = (command: Command, exports: string): Command =>
  command.argument('<app>', `module whose default export, or export 'runtime', is ${exports}`)

/** What the export is, for the help. */
export const runtimeExport = 'a Runtime, a promise of one, or a function that gives one'

/** Loads the module and the runtime it gives. A module that does not fit ends the command with exit code 2. */
export async function loadRuntime(path: string, command: Command): Promise<Runtime> {
  const exports = await load(path, command)
  return runtimeOf(exports, path, command)
}

/** Loads the module, the runtime it gives, and what it exports as `projections`. */
export async function loadProjections(
  path: string,
  command: Command,
): Promise<{ readonly runtime: Runtime; readonly projections: readonly AnyProjection[] }> {
  const exports = await load(path, command)
  const { projections } = exports
  // Before the runtime, which may be one that is made when it is asked for.
  if (!Array.isArray(projections) || projections.length === 0 || !projections.every(isProjection)) {
    command.error(`'${path}' exports no 'projections': export an array of what projection(…) gives`)
  }
  return { runtime: await runtimeOf(exports, path, command), projections }
}

async function load(path: string, command: Command): Promise<Exports> {
  const file = resolve(path)
  if (!existsSync(file)) command.error(`There is no module '${path}'`)
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const bin = 'node --import tsx node_modules/reenact/dist/runtime/cli/main.js'
    return command.error(
      /\.[cm]?ts$/.test(file)
        ? `This process cannot load TypeScript such as '${path}': run ${bin} ${command.name()} …, or give the compiled .js`
        : `'${path}' is not a module that can be loaded, or needs one that is not: give a .js or .mjs file`,
    )
  }
}

// Of Node: a file name it has no loader for, or syntax of TypeScript that cannot be left out.
const unreadable = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX']

const isUnreadable = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && unreadable.includes(String(error.code))

async function runtimeOf(exports: Exports, path: string, command: Command): Promise<Runtime> {
  const given = exports['runtime'] ?? exports['default']
  const runtime: unknown = await (typeof given === 'function' ? given() : given)
  if (isRuntime(runtime)) return runtime
  return command.error(
    `'${path}' gives no runtime: let its default export, or its export 'runtime', be ${runtimeExport}`,
  )
}

/** By its shape: the module may have another copy of the package. */
const isRuntime = (value: unknown): value is Runtime =>
  isObject(value) && ['work', 'project', 'close'].every((key) => typeof value[key] === 'function')

const isProjection = (value: unknown): value is AnyProjection =>
  isObject(value) && typeof value['fingerprint'] === 'string' && value['handlers'] instanceof Map

const isObject = (value: unknown): value is Exports => typeof value === 'object' && value !== null
