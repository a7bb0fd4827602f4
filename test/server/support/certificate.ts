// A certificate for 127.0.0.1 that signs itself, in a folder of its own.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** Paths of the PEM files, and the folder they lie in. */
export interface CertificateFiles {
  readonly folder: string
  readonly certificate: string
  readonly key: string
}

/** Makes both files. */
export async function makeCertificate(): Promise<CertificateFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'reenact-tls-'))
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const altNames = [
    { type: 7, ip: '127.0.0.1' },
    { type: 2, value: 'localhost' },
  ] as const
  const pems = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [...altNames] },
    ],
  })
  writeFileSync(certificate, pems.cert)
  writeFileSync(key, pems.private)
  return { folder, certificate, key }
}
