/** How `pg` connects to a URL of Postgres. It takes libpq's `sslmode=prefer`, which others write out, for `require`. */
export function connection(url) {
  const parsed = new URL(url);
  if (parsed.searchParams.get('sslmode') === 'prefer') parsed.searchParams.delete('sslmode');
  return { connectionString: parsed.href };
}
