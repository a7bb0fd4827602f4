// The code of README and docs: type-checked and compiled against the built package, run, and its output compared
// with the comments beside each console.log.

import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../..', import.meta.url))
// Inside the package, so that 'reenact' means this package as it is built.
const folder = join(root, 'dist', 'documents')

interface Snippet {
  readonly document: string
  readonly file: string
  readonly code: string
}

const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

const snippets: Snippet[] = documents.flatMap((document) =>
  [
    ...readFileSync(join(root, document), 'utf8').matchAll(/^```ts(?: file=(\S+))?\n(.*?)^```$/gms),
  ].map(([, file = 'readme.ts', code = '']) => ({ document, file, code })),
)

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** Comments behind a console.log, and comment lines that begin with a number, are what must be printed. */
const expected = (code: string): string =>
  [...code.matchAll(/^.*console\.log\(.*\) \/\/ (.*)$|^\/\/ (\d.*)$/gm)]
    .map(([, inline, line]) => inline ?? line)
    .join('\n')

describe('documents', function () {
  this.timeout(60_000)
  let compiled: SpawnSyncReturns<string>

  before(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const { file, code } of snippets) writeFileSync(join(folder, file), code)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: {
          rootDir: '.',
          outDir: '.',
          declaration: false,
          sourceMap: false,
          inlineSources: false,
          noEmitOnError: false,
          noUnusedLocals: false,
        },
        include: ['*.ts'],
        exclude: [],
      }),
    )
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    // The other tests use the other processors.
    compiled = spawnSync(tsc, ['-p', folder, '--singleThreaded'], { encoding: 'utf8' })
  })

  it('type-check', () => {
    expect([compiled.status, compiled.stdout]).to.deep.equal([0, ''])
  })

  for (const { document, file, code } of snippets) {
    it(`${document}: ${file} runs and prints what it says`, () => {
      const script = join(folder, file.replace(/\.ts$/, '.js'))
      const printed = execFileSync(process.execPath, [script], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
      })
      expect(squeeze(printed)).to.equal(squeeze(expected(code)))
      for (const name of readdirSync(folder)) {
        if (name.includes('.db')) rmSync(join(dirname(script), name))
      }
    })
  }

  it('link only to files that exist', () => {
    for (const document of documents) {
      const text = readFileSync(join(root, document), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        const path = join(root, dirname(document), target)
        expect(() => readdirSync(dirname(path)), `${document}: ${target}`).not.to.throw()
        expect(readdirSync(dirname(path)), `${document}: ${target}`).to.include(
          path.split('/').findLast((part) => part !== ''),
        )
      }
    }
  })
})
