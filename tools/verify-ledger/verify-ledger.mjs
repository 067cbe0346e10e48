#!/usr/bin/env node
// Verifies an export of the audit ledger. It shares no code with the server: what it checks is written here, from the
// definitions in docs/operations/ledger-export.md. It needs Node 20 and hyparquet (npm install, in this folder).
//
//   node verify-ledger.mjs <folder> --key <name+id+base64> [--checkpoint <file>]... [--timestamp-ca <pem>] [--receipt <value>] [--json]
//
// Exit 0: every row is proven by a signed checkpoint. 1: something is wrong, and is named. 2: it cannot be read.
// With --timestamp-ca, time-stamps must be of these authorities; with --receipt, the event it names must be proven too.
import { createHash, createPublicKey, verify as verifySignature, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'

const sha256 = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

// ── Keys and notes: C2SP signed-note ────────────────────────────────────────────────────────────────────────────────

/** name+id+base64(0x01 ‖ public key): the id is the first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key). */
export function parseKey(text) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim())
  if (!match) throw new Error('a key looks like name+id+base64')
  const [, name, id, base64] = match
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Error('the key is not an Ed25519 note key')
  const expected = sha256(Buffer.from(name), Buffer.from([0x0a]), bytes).subarray(0, 4).toString('hex')
  if (expected !== id) throw new Error('the id of the key is not its own')
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)])
  return { name, id, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/** The text of a note that the key signed; null for any other. */
export function openNote(note, key) {
  if (typeof note !== 'string' || !note.endsWith('\n')) return null
  const end = note.lastIndexOf('\n\n')
  if (end < 0) return null
  const text = note.slice(0, end + 1)
  let signed = false
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const match = /^\u2014 (\S+) (\S+)$/.exec(line)
    if (!match) return null
    const bytes = Buffer.from(match[2], 'base64')
    if (match[1] !== key.name || bytes.subarray(0, 4).toString('hex') !== key.id) continue
    // A wrong signature in the key's name spoils the note, even beside a right one.
    if (bytes.length !== 68 || !verifySignature(null, Buffer.from(text), key.publicKey, bytes.subarray(4))) return null
    signed = true
  }
  return signed ? text : null
}

/** Checkpoint of a zone: origin, number of rows, root. */
export function openCheckpoint(note, key, origin) {
  const text = openNote(note, key)
  if (text === null) return null
  const lines = text.split('\n')
  if (lines.length < 4 || !/^(0|[1-9][0-9]*)$/.test(lines[1])) return null
  const root = Buffer.from(lines[2], 'base64')
  if (root.length !== 32 || (origin !== undefined && lines[0] !== origin)) return null
  return { origin: lines[0], size: Number(lines[1]), root }
}

// .NET's Uri.EscapeDataString: everything but letters, digits and -._~
export const originOf = (name, zone) =>
  `${name}/${encodeURIComponent(zone).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())}`

// ── Trees: RFC 6962 ─────────────────────────────────────────────────────────────────────────────────────────────────

export const leafHash = content => sha256(Buffer.from([0]), content)
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right)

/** A growing tree: one hash for each set bit of its size, largest subtree first. */
export class Tree {
  constructor(size = 0, edge = []) {
    this.size = size
    this.edge = edge
  }

  /** An edge from base64; null when it does not fit the size. */
  static import(size, base64) {
    const bytes = Buffer.from(base64 ?? '', 'base64')
    const count = size.toString(2).replaceAll('0', '').length
    if (bytes.length !== 32 * count) return null
    return new Tree(size, Array.from({ length: count }, (_, i) => bytes.subarray(32 * i, 32 * i + 32)))
  }

  add(leaf) {
    this.size++
    let hash = leaf
    for (let rest = this.size; rest % 2 === 0; rest /= 2) hash = nodeHash(this.edge.pop(), hash)
    this.edge.push(hash)
  }

  get root() {
    if (this.edge.length === 0) return sha256()
    return this.edge.slice(0, -1).reduceRight((root, left) => nodeHash(left, root), this.edge.at(-1))
  }
}

// ── Time-stamps: RFC 3161 tokens (CMS) over the text of a checkpoint ────────────────────────────────────────────────

/** One DER element: its tag, its content and itself. */
function der(bytes, at = 0) {
  let length = bytes[at + 1]
  let start = at + 2
  if (length > 0x80) {
    const count = length & 0x7f
    length = bytes.readUIntBE(start, count)
    start += count
  }
  if (length === undefined || start + length > bytes.length) throw new Error('truncated')
  return { tag: bytes[at], body: bytes.subarray(start, start + length), all: bytes.subarray(at, start + length) }
}

function children(element) {
  const found = []
  for (let at = 0; at < element.body.length; at += found.at(-1).all.length) found.push(der(element.body, at))
  return found
}

const oids = { signedData: '2a864886f70d010702', tstInfo: '2a864886f70d0109100104', contentType: '2a864886f70d010903', messageDigest: '2a864886f70d010904' }
const digests = { '608648016503040201': 'sha256', '608648016503040202': 'sha384', '608648016503040203': 'sha512' }
const digestOf = algorithm => digests[children(algorithm)[0].body.toString('hex')] ?? fail('an unknown digest')
const fail = why => { throw new Error(why) }
const hashed = (name, bytes) => createHash(name).update(bytes).digest()

/** When the text existed, as an authority of these certificates says; throws why the token proves nothing. */
export function openTimeStamp(token, text, authorities) {
  const [type, wrapped] = children(der(token))
  if (type.body.toString('hex') !== oids.signedData) fail('it is no signed data')
  const parts = children(children(wrapped)[0])
  const [contentType, content] = children(parts[2])
  if (contentType.body.toString('hex') !== oids.tstInfo) fail('it is no time-stamp')
  const info = children(content)[0].body
  const certificates = children(parts.find(part => part.tag === 0xa0)).map(certificate => new X509Certificate(certificate.all))
  const signers = children(parts.at(-1))
  if (signers.length !== 1) fail('it has not one signer')
  const signer = children(signers[0])
  const at = signer.findIndex(part => part.tag === 0xa0)
  const attributes = new Map(children(signer[at]).map(attribute => children(attribute)).map(([name, values]) => [name.body.toString('hex'), children(values)[0].body]))
  const digest = digestOf(signer[at - 1])
  if (attributes.get(oids.contentType)?.toString('hex') !== oids.tstInfo) fail('its signature is of something else')
  if (!attributes.get(oids.messageDigest)?.equals(hashed(digest, info))) fail('its signature is of something else')
  const signed = Buffer.concat([Buffer.from([0x31]), signer[at].all.subarray(1)])
  const certificate = certificates.find(one => verifySignature(digest, signed, one.publicKey, signer[at + 2].body))
  if (!certificate) fail('its signature does not verify')

  const [, , imprint, , time] = children(der(info))
  if (!children(imprint)[1].body.equals(hashed(digestOf(children(imprint)[0]), Buffer.from(text)))) fail('it is of something else')
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d(?:\.\d+)?)Z$/.exec(time.body.toString('latin1')) ?? fail('its time cannot be read')
  const when = new Date(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`)
  if (!certificate.keyUsage?.includes('1.3.6.1.5.5.7.3.8')) fail('its signer is not one for time-stamps')
  if (!isTrusted(certificate, certificates, authorities, when)) fail('no trusted authority vouches for its signer')
  return when
}

function isTrusted(certificate, between, authorities, when, depth = 0) {
  if (when < new Date(certificate.validFrom) || when > new Date(certificate.validTo)) return false
  if (authorities.some(one => one.raw.equals(certificate.raw))) return true
  return depth < 5 && [...authorities, ...between].some(issuer => issuer.ca && !issuer.raw.equals(certificate.raw)
    && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey) && isTrusted(issuer, between, authorities, when, depth + 1))
}

export const readCertificates = pem => (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(one => new X509Certificate(one))

// ── Receipts ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The value of X-Caracal-Receipt: zone, event and, where it was known in time, content hash. Who gave it only the audit key tells. */
export function parseReceipt(text) {
  const match = /^zone="([\w.~%-]+)", *event="([\w.~%-]+)"(?:, *sha256=:([A-Za-z0-9+/=]{44}):)?(?:, *kid="[0-9a-f]{16}", *mac=:[A-Za-z0-9+/=]{44}:)?$/.exec(text.trim())
  if (!match) throw new Error('the receipt cannot be read')
  return { zone: decodeURIComponent(match[1]), event: decodeURIComponent(match[2]), content: match[3] && Buffer.from(match[3], 'base64').toString('hex') }
}

// ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** SHA-256 over the twelve texts, each followed by 0x1F, and the time in nanoseconds. A JSON text that is not there counts as null. */
export function contentHash(row) {
  const texts = [
    row.event_id, row.zone_id, row.event_type, row.request_id, row.decision, row.policy_set_id, row.policy_set_version_id,
    row.manifest_sha, row.evaluation_status, row.determining_policies_json ?? 'null', row.diagnostics_json ?? 'null',
    row.metadata_json ?? 'null',
  ]
  return sha256(Buffer.from(texts.map(text => text + '\x1f').join('') + (row.occurred_at_us * 1000n).toString())).toString('hex')
}

// ── The export ──────────────────────────────────────────────────────────────────────────────────────────────────────

const hourName = time => new Date(time).toISOString().slice(0, 13)
const stemOf = hour => `audit/${hour.slice(0, 4)}/${hour.slice(5, 7)}/${hour.slice(8, 10)}/${hour}`

function list(folder, below = 'audit') {
  const path = join(folder, below)
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? list(folder, `${below}/${entry.name}`) : [`${below}/${entry.name}`])
}

/** One zone, followed through the hours. */
class Chain {
  constructor(zone, { key, kept, authorities }, report) {
    this.zoneId = zone.zone_id
    this.authorities = authorities
    this.key = key
    this.report = report
    this.origin = key && originOf(key.name, this.zoneId)
    this.kept = kept.filter(c => c.origin === this.origin && c.size >= zone.first_seq)
    this.seq = zone.first_seq - 1
    this.content = zone.first_prev_content_sha256
    this.last = { seq: this.seq, content: this.content }
    this.proven = 0
    this.expected = []
    this.tree = key ? (zone.first_seq === 1 ? new Tree() : this.start(zone)) : null
  }

  fault(word, seq, detail) {
    this.report({ word, zone: this.zoneId, seq, detail })
  }

  start(zone) {
    const checkpoint = openCheckpoint(zone.start_checkpoint, this.key, this.origin)
    const tree = checkpoint?.size === this.seq ? Tree.import(this.seq, zone.start_frontier) : null
    if (tree?.root.equals(checkpoint.root)) return tree
    this.fault('checkpoint_mismatch', zone.first_seq, 'the rows before the first are not vouched for')
    return null
  }

  begin(zone) {
    this.zone = zone
    this.rows = 0
    this.first = 0
    if (zone.first_seq !== this.seq + 1 || zone.first_prev_content_sha256 !== this.content) {
      this.fault('chain_break', zone.first_seq, `the hour does not continue the one before, which ended at ${this.seq}`)
    }
    if (!this.key) return
    this.expected.push(...this.kept.filter(c => c.size <= zone.last_seq))
    this.kept = this.kept.filter(c => c.size > zone.last_seq)
    // Of the hour's own rows: a checkpoint of earlier ones would be compared with nothing.
    const isOfHour = size => size >= zone.first_seq && size <= zone.last_seq
    if (zone.time_stamped_checkpoint) {
      const checkpoint = this.expect(zone.time_stamped_checkpoint, isOfHour)
      if (checkpoint && this.authorities) this.stamp(zone, checkpoint)
    }
    if (zone.witnessed_checkpoint) this.expect(zone.witnessed_checkpoint, isOfHour)
    if (zone.checkpoint) this.expect(zone.checkpoint, size => size === zone.last_seq)
    else this.fault('checkpoint_mismatch', zone.last_seq, 'no signed checkpoint covers the hour')
    this.expected.sort((a, b) => a.size - b.size)
  }

  /** A token tells of a root. Of the rows it tells only once they have given that root. */
  stamp(zone, checkpoint) {
    try {
      const at = openTimeStamp(Buffer.from(zone.time_stamp ?? '', 'base64'), openNote(zone.time_stamped_checkpoint, this.key), this.authorities)
      checkpoint.stamp = { chain_seq: checkpoint.size, existed_at: at.toISOString() }
    } catch (fault) {
      this.fault('timestamp_mismatch', checkpoint.size, `the time-stamp proves nothing: ${fault.message}`)
    }
  }

  expect(note, fits) {
    const checkpoint = openCheckpoint(note, this.key, this.origin)
    if (checkpoint && fits(checkpoint.size)) {
      if (checkpoint.size > this.seq) this.expected.push(checkpoint)
      return checkpoint
    }
    this.fault('checkpoint_mismatch', this.zone.last_seq, 'a checkpoint is not signed by the key, or is of another size')
  }

  add(row) {
    const seq = Number(row.chain_seq)
    this.first ||= seq
    this.rows++
    if (seq !== this.last.seq + 1) this.fault('chain_break', seq, `row ${this.last.seq + 1} was to follow`)
    else if (row.prev_content_sha256 !== this.last.content) this.fault('chain_break', seq, 'the row is linked to another predecessor')
    if (contentHash(row) !== row.content_sha256) this.fault('content_mismatch', seq, "the row's fields do not give its content hash")
    if (this.tree && seq !== this.tree.size + 1) this.tree = null
    this.tree?.add(leafHash(Buffer.from(row.content_sha256, 'hex')))
    this.seq = seq
    this.content = row.content_sha256
    this.last = { seq, content: this.content }
    while (this.expected.length > 0 && this.expected[0].size <= seq) {
      const checkpoint = this.expected.shift()
      if (this.tree?.size !== checkpoint.size) continue
      if (this.tree.root.equals(checkpoint.root)) {
        this.proven = checkpoint.size
        if (checkpoint.stamp) this.stamped = checkpoint.stamp
      } else this.fault('checkpoint_mismatch', checkpoint.size, `the rows up to ${checkpoint.size} are not the ones that were signed`)
    }
  }

  end() {
    const { events, first_seq, last_seq, last_content_sha256 } = this.zone
    if (this.rows !== events || this.first !== first_seq || this.seq !== last_seq || this.content !== last_content_sha256) {
      this.fault('manifest_mismatch', first_seq, `the manifest tells of ${events} rows from ${first_seq} to ${last_seq}, the file holds ${this.rows} from ${this.first} to ${this.seq}`)
    }
    // The next hour is judged by what this one should have been; its first row by the last that was there.
    this.seq = last_seq
    this.content = last_content_sha256
  }

  complete() {
    for (const lost of [...this.expected, ...this.kept]) this.fault('checkpoint_mismatch', lost.size, 'rows that were signed are missing at the end')
  }
}

/** Verifies a folder; answers { hours, events, findings, proven, time_stamped }. */
export async function verifyExport(folder, { key, kept = [], authorities, receipt, progress } = {}) {
  const findings = []
  const trust = { key, kept, authorities, receipt }
  const chains = new Map()
  const files = list(folder).sort()
  const hours = files.filter(file => file.endsWith('.manifest.json')).map(file => file.slice(-27, -14))
  const manifests = []
  if (hours.length === 0) findings.push({ word: 'manifest_mismatch', detail: 'there is no manifest at all' })
  for (const hour of hours) {
    const bytes = readFileSync(join(folder, `${stemOf(hour)}.manifest.json`))
    const fault = detail => findings.push({ word: 'manifest_mismatch', hour, detail })
    let manifest
    try {
      manifest = JSON.parse(bytes)
      if (manifest.version !== 1 || hourName(manifest.hour) !== hour || !Array.isArray(manifest.zones)) throw new Error()
    } catch {
      fault('the manifest cannot be read, or is another hour\'s')
      continue
    }
    manifests.push({ ...manifest, name: hour })
    if (!key) continue
    const note = join(folder, `${stemOf(hour)}.manifest.note`)
    const text = `caracal.audit.manifest.v1\n${stemOf(hour)}.manifest.json\n${sha256(bytes).toString('base64')}\n`
    if (!existsSync(note) || openNote(readFileSync(note, 'utf8'), key) !== text) fault('the checkpoint key did not sign this manifest')
  }

  const known = new Set(manifests.map(manifest => manifest.object))
  for (const file of files.filter(file => file.endsWith('.parquet') && !known.has(file))) {
    findings.push({ word: 'manifest_mismatch', hour: file, detail: 'no manifest speaks for this file' })
  }

  let events = 0
  let before
  for (const manifest of manifests) {
    const time = Date.parse(manifest.hour)
    for (let missing = before + 3600_000; missing < time; missing += 3600_000) {
      findings.push({ word: 'hour_missing', hour: hourName(missing), detail: 'every hour has a manifest, also an empty one' })
    }
    before = time
    events += await verifyHour(folder, manifest, chains, trust, findings)
    progress?.(events, manifests)
  }

  for (const chain of chains.values()) chain.complete()
  for (const lost of kept.filter(c => ![...chains.values()].some(chain => chain.origin === c.origin))) {
    findings.push({ word: 'checkpoint_mismatch', zone: lost.origin, seq: lost.size, detail: 'the export holds no row of the zone of a kept checkpoint' })
  }
  if (receipt && findings.length === 0) {
    const fault = (word, detail) => findings.push({ word, zone: receipt.zone, seq: receipt.row?.seq, detail })
    if (!receipt.row) fault('event_missing', 'the event of the receipt is not in the export')
    else if (receipt.content && receipt.content !== receipt.row.content) fault('content_mismatch', 'the export holds another content under the event of the receipt')
    else if (!(chains.get(receipt.zone)?.proven >= receipt.row.seq)) fault('checkpoint_mismatch', 'no signed checkpoint covers the event of the receipt')
  }
  const stamps = [...chains].filter(([, chain]) => chain.stamped).map(([zone, chain]) => [zone, chain.stamped])
  const proven = Object.fromEntries([...chains].map(([zone, chain]) => [zone, chain.proven]))
  return { hours: manifests.length, events, findings, proven, time_stamped: Object.fromEntries(stamps) }
}

async function verifyHour(folder, manifest, chains, trust, findings) {
  const report = fault => findings.push({ hour: manifest.name, ...fault })
  const zones = new Set()
  for (const zone of manifest.zones) {
    if (!chains.has(zone.zone_id)) chains.set(zone.zone_id, new Chain(zone, trust, report))
    const chain = chains.get(zone.zone_id)
    chain.report = report
    chain.begin(zone)
    zones.add(zone.zone_id)
  }

  let rows = 0
  if (manifest.events > 0 || manifest.object) {
    const path = join(folder, `${stemOf(manifest.name)}.parquet`)
    if (manifest.object !== `${stemOf(manifest.name)}.parquet` || !existsSync(path)) {
      report({ word: 'object_missing', detail: 'the file of this hour\'s rows is missing' })
    } else {
      const bytes = readFileSync(path)
      if (statSync(path).size !== manifest.bytes || sha256(bytes).toString('hex') !== manifest.sha256) {
        report({ word: 'object_mismatch', detail: 'the file is not the one the manifest tells of' })
      }
      try {
        rows = await readRows(bytes, row => {
          const { receipt } = trust
          if (row.event_id === receipt?.event && row.zone_id === receipt.zone) receipt.row ??= { seq: Number(row.chain_seq), content: row.content_sha256 }
          if (zones.has(row.zone_id)) chains.get(row.zone_id).add(row)
          else report({ word: 'manifest_mismatch', zone: row.zone_id, seq: Number(row.chain_seq), detail: 'the manifest does not tell of this zone' })
        })
      } catch (fault) {
        report({ word: 'object_mismatch', detail: `the file cannot be read: ${fault.message}` })
      }
    }
  }

  for (const zone of manifest.zones) chains.get(zone.zone_id).end()
  if (rows !== manifest.events) report({ word: 'manifest_mismatch', detail: `the manifest tells of ${manifest.events} rows, the file holds ${rows}` })
  return rows
}

// The columns of a file are always filled: where there is no JSON text, it holds an empty one, which no JSON text is.
const absent = row => ({
  ...row,
  determining_policies_json: row.determining_policies_json || null,
  diagnostics_json: row.diagnostics_json || null,
  metadata_json: row.metadata_json || null,
})

/** Hands over every row, in row groups, and answers how many there were. */
async function readRows(bytes, take) {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const metadata = parquetMetadata(file)
  let start = 0
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows)
    for (const row of await parquetReadObjects({ file, metadata, rowStart: start, rowEnd: end })) take(absent(row))
    start = end
  }
  return start
}

// ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function main(words) {
  const options = { checkpoints: [] }
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '--key') options.key = parseKey(words[++i])
    else if (words[i] === '--checkpoint') options.checkpoints.push(words[++i])
    else if (words[i] === '--timestamp-ca') options.authorities = readCertificates(readFileSync(words[++i], 'utf8'))
    else if (words[i] === '--receipt') options.receipt = parseReceipt(words[++i])
    else if (words[i] === '--json') options.json = true
    else if (!words[i].startsWith('--') && options.folder === undefined) options.folder = words[i]
    else throw new Error(`unknown: ${words[i]}`)
  }
  if (!options.folder) throw new Error('usage: node verify-ledger.mjs <folder> --key <name+id+base64> [--checkpoint <file>]... [--timestamp-ca <pem>] [--receipt <value>] [--json]')
  if ((options.checkpoints.length > 0 || options.authorities || options.receipt) && !options.key) throw new Error('--checkpoint, --timestamp-ca and --receipt need --key')
  if (options.authorities?.length === 0) throw new Error('--timestamp-ca: there is no certificate (PEM)')
  const kept = options.checkpoints.map(file => {
    const checkpoint = openCheckpoint(readFileSync(file, 'utf8'), options.key)
    if (!checkpoint) throw new Error(`${file} is not a checkpoint that this key signed`)
    return checkpoint
  })
  const progress = process.stderr.isTTY
    ? (events, manifests) => process.stderr.write(`\r${events} of ${manifests.reduce((sum, m) => sum + m.events, 0)} rows`)
    : undefined
  const report = await verifyExport(options.folder, { ...options, kept, progress })
  if (progress) process.stderr.write('\n')
  if (options.json) console.log(JSON.stringify({ ok: report.findings.length === 0, ...report }))
  else {
    for (const f of report.findings) console.error(`${f.word}: ${[f.hour, f.zone, f.seq && `sequence ${f.seq}`].filter(Boolean).join(', ')}: ${f.detail}`)
    console.log(`${report.hours} hours, ${report.events} events, ${report.findings.length} findings`)
    for (const [zone, stamp] of Object.entries(report.time_stamped)) console.log(`zone ${zone}: every event up to ${stamp.chain_seq} existed at ${stamp.existed_at}`)
    if (!options.key) console.log('no --key: links and hashes were checked, not who wrote them')
  }
  return report.findings.length === 0 ? 0 : 1
}

if (process.argv[1]?.endsWith('verify-ledger.mjs')) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (fault) {
    console.error(fault.message)
    process.exitCode = 2
  }
}
