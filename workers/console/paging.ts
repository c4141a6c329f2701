export interface Page<Row> {
  readonly total: number;
  readonly page: number;
  readonly pages: number;
  readonly rows: readonly Row[];
}

const pageSize = 10;

/** The wanted page, or the nearest one that exists. There is always at least one page. */
export function pageOf<Row>(rows: readonly Row[], wanted: string | undefined): Page<Row> {
  const pages = Math.max(1, Math.ceil(rows.length / pageSize));
  const page = Math.min(pages, Math.max(1, Math.trunc(Number(wanted)) || 1));
  return { total: rows.length, page, pages, rows: rows.slice((page - 1) * pageSize, page * pageSize) };
}
