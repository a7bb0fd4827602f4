// A copy that is known to be good before it gets its name.

import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { systemPorts } from '../../core/clock.ts'
import { ReenactError } from '../../core/errors.ts'
import { pageDefault } from '../read-options.ts'
import { Connection } from './connection.ts'
import { LogReader } from './log-reader.ts'
import { ReadAhead } from './read-ahead.ts'
import { storeError } from './sqlite-errors.ts'
import { stateKeys, stateOf } from './sqlite-state.ts'
import { StreamTable } from './stream-table.ts'

/** Copies, verifies every checksum of the copy, makes it durable, and only then gives it its name. */
export async function backUp(connection: Connection, path: string): Promise<void> {
  const target = resolve(path)
  const partial = `${target}.partial`
  if (existsSync(target)) throw exists(target)
  rmSync(partial, { force: true })
  try {
    connection.exec(`VACUUM INTO '${partial.replaceAll("'", "''")}'`)
    await verifyFile(partial)
    sync(partial)
    linkSync(partial, target)
    sync(dirname(target))
  } catch (error) {
    throw existsSync(target) ? exists(target) : storeError(target, error)
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Reads everything there is in a store file. Throws a typed error at the first thing that is wrong. */
export async function verifyFile(file: string): Promise<void> {
  const connection = new Connection({
    file,
    readOnly: true,
    checkBytesMax: Number.POSITIVE_INFINITY,
    internals: {},
  })
  try {
    const streams = new StreamTable(connection)
    const { clock, timers } = systemPorts
    const reader = new LogReader(connection, streams, clock, new ReadAhead(file, timers, undefined))
    for (let after = 0, end = false; !end; ) {
      const page = connection.read(
        () => streams.refresh(),
        () => reader.readAll({ after, limit: pageDefault }),
      )
      after = page.position
      end = page.end
      await systemPorts.timers.turn()
    }
    connection.read(
      () => {},
      () => {
        for (const key of stateKeys(connection, '')) stateOf(connection, key)
        reader.checkIndex()
      },
    )
  } finally {
    connection.close()
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const exists = (path: string): ReenactError =>
  new ReenactError(
    'InvalidOption',
    `A file '${path}' exists already. Give the path of a new one.`,
    {
      option: 'path',
      fix: 'give the path of a new file',
    },
  )
