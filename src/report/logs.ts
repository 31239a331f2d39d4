import type { LogFile, LogGap, LogsDocument } from '../model/log-documents.js'
import type { LedgerRow } from '../model/evidence.js'
import { formatBytes } from '../text/bytes.js'
import { counted } from '../text/count.js'
import { absence } from './absence.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { LogsReport } from './model.js'

const MOST_LOGS = 100

export function logsOf({ logs, directory }: ReportTargetInput, ledger: readonly LedgerRow[]): LogsReport {
  return {
    absent: logs === undefined ? absence(ledger, directory, 'logs') : null,
    rows: bounded((logs?.logs ?? []).map(rowOf), MOST_LOGS, `data/targets/${directory}/logs.json`),
    older: logs?.olderFiles ?? null,
    files: bounded((logs?.files ?? []).map(fileRow), MOST_LOGS, `data/targets/${directory}/logs.json`),
    gaps: bounded((logs?.gaps ?? []).map(gapRow), MOST_LOGS, `data/targets/${directory}/logs.json`),
  }
}

function rowOf(log: LogsDocument['logs'][number]): LogsReport['rows']['items'][number] {
  return {
    container: log.container,
    run: log.run,
    size: formatBytes(log.bytes),
    lines: log.lines,
    first: log.firstLineAt ?? null,
    last: log.lastLineAt ?? null,
    notes: [
      ...(log.endsWithNewline ? [] : ['its last line is not whole']),
      ...(log.kubeletCertificateUnverified ? ["the kubelet's certificate was not checked"] : []),
    ],
  }
}

function fileRow(file: LogFile): LogsReport['files']['items'][number] {
  const { covers } = file
  const isRead = covers?.isCri === true
  return {
    name: file.name,
    size: formatBytes(file.bytes),
    lines: isRead ? covers.lines : null,
    first: isRead ? (covers.firstAt ?? null) : null,
    last: isRead ? (covers.lastAt ?? null) : null,
    notes: [
      ...(file.kept === 'no' ? [`not kept: ${file.why ?? 'not known why'}`] : []),
      ...(file.kept === 'cut' ? ['cut'] : []),
      ...(file.unreadable === undefined ? [] : [`cannot be inflated to its end: ${file.unreadable}`]),
      ...(covers !== undefined && !isRead && covers.lines > 0 ? ['not in the format of container logs'] : []),
      ...(isRead && covers.malformed > 0
        ? [`${counted(covers.malformed, 'line')} not in the format of the others`]
        : []),
      ...(isRead && covers.outOfOrder > 0
        ? [`${counted(covers.outOfOrder, 'line')} with an earlier time than the line before`]
        : []),
      ...(isRead && covers.endsWithPiece ? ['its last line is the beginning of a longer one'] : []),
      ...(isRead && !covers.endsWithNewline ? ['its last line is not whole'] : []),
    ],
  }
}

const GAP_WORDS: Readonly<Record<LogGap['kind'], string>> = {
  'rotated-away': 'older files, rotated away',
  'runs-gone': 'earlier runs',
  vanished: 'a file that was removed while logs were read',
  'left-out': 'a file over the limit',
  cut: 'a file that could not be read to its end',
}

function gapRow({ container, kind, certainty, from, to, why }: LogGap): LogsReport['gaps']['items'][number] {
  return { container, what: GAP_WORDS[kind], from: from ?? null, to: to ?? null, certainty, why }
}
