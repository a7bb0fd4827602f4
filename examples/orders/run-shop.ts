// Runs the shop in a process of its own, which may be killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What the shop is to do. */
export interface ShopRun {
  readonly store: string
  /** How many orders there are in all. */
  readonly orders: number
  /** Orders before this one were placed by an earlier run. */
  readonly first?: number
  readonly units: number
  readonly fail?: string | undefined
  /** Killed with SIGKILL at this write. */
  readonly crashAt?: number | undefined
  /** Without the read models. */
  readonly brief?: boolean
}

const worker = fileURLToPath(new URL(`./shop-worker${import.meta.url.slice(-3)}`, import.meta.url))

/** Answers whether it was killed. */
export async function runShop(run: ShopRun): Promise<boolean> {
  const { store, orders, first = 0, units, fail = '', crashAt = '', brief = false } = run
  const args = [store, orders, units, fail, crashAt, first, brief ? 'brief' : ''].map(String)
  const child = spawn(process.execPath, [...process.execArgv, worker, ...args], {
    stdio: 'inherit',
  })
  // Before the folder goes that it works in.
  const end = (): void => {
    child.kill('SIGKILL')
  }
  process.prependOnceListener('exit', end)
  const [code, signal] = await once(child, 'exit')
  process.off('exit', end)
  if (signal === 'SIGKILL') return true
  if (code !== 0) throw new Error(`The shop ended with ${code ?? signal}.`)
  return false
}
