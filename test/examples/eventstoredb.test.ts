// The examples on EventStoreDB: nothing but the address of the store is another.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { type ServerProcess, serverProcess } from '../server/support/server-process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('examples on EventStoreDB', function () {
  this.timeout(120_000)
  let server: ServerProcess
  let store: string
  beforeEach(async () => {
    server = serverProcess()
    store = await server.start('memory:')
  })
  afterEach(() => server.kill())

  const run = async (script: string, ...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, NO_COLOR: '1' }
    const file = join(root, 'dist', 'examples', script)
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
      cwd: root,
      env,
    })
    return stdout
  }

  it('the bank: a killed process loses nothing, nothing is paid twice, the chain holds', async () => {
    const told = await run('bank/demo.js', store)
    expect(told).to.match(/balance \d+: all \d+ acknowledged payments are there/)
    expect(told).to.match(/sent again: balance \d+, none paid twice/)
    expect(told).to.match(/chain of \d+ events intact/)
    expect(told).to.include('withdraw {"amount":80}')
  })
  it('orders: completed, and undone where the payment service stays down', async () => {
    const well = await run('orders/main.js', '--store', store)
    expect(well).to.include('3 confirmed')
    expect(well).to.include('stock: 97 free, 0 reserved, 3 shipped; together 100')
    const ill = await run('orders/main.js', '--store', store, '--orders', '5', '--fail', 'payment')
    expect(ill).to.include('3 confirmed')
    expect(ill).to.include('2 cancelled: the payment service is down')
    expect(ill).to.include('stock: 97 free, 0 reserved, 3 shipped; together 100')
    expect(ill).to.include('money: 500 in all; points: 120')
  })
  it('incidents: imported, asked, and imported again without a change', async () => {
    const log = join(root, 'test/examples/incidents.jsonl')
    const first = await run('incidents/main.js', log, '--store', store)
    const again = await run('incidents/main.js', log, '--store', store)
    const here = await run('incidents/main.js', log, '--store', 'memory:')
    const outcomes = (text: string) => text.match(/^(accepted|refused|invalid) .*$/gm)
    expect(outcomes(first)).to.have.length(3)
    expect(outcomes(first)).to.deep.equal(outcomes(here))
    expect(again).to.include('were imported before')
    const asked = await run('incidents/main.js', '--store', store, '--rejections')
    expect(asked).to.include('the incident is at its end')
  })
})
