// What an independent reader finds in a Parquet file: columns with their types, and every row.
import { readFileSync } from 'node:fs'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'

const bytes = readFileSync(process.argv[2])
const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
const metadata = parquetMetadata(file)
const columns = metadata.schema.slice(1).map(c => [c.name, c.type, c.repetition_type, c.converted_type ?? ''].join(' '))
const rows = await parquetReadObjects({ file, metadata })
console.log(JSON.stringify({ columns, count: Number(metadata.num_rows), rows }, (_, value) => typeof value === 'bigint' ? value.toString() : value))
