// The rows of a target's SQLite file, beside the server that uses it: time is made by editing them.
import Database from 'libsql';

export class SqliteRows {
  constructor(file) {
    this.database = new Database(file);
    this.database.exec('pragma busy_timeout = 10000');
  }

  insert(table, row) {
    const columns = Object.keys(row);
    const names = columns.map(quote).join(', ');
    const holes = columns.map(() => '?').join(', ');
    this.database.prepare(`insert into ${quote(table)} (${names}) values (${holes})`).run(...Object.values(row));
  }

  /** Changes the row of an id, which must exist. */
  change(table, id, columns) {
    const assignments = Object.keys(columns)
      .map((column) => `${quote(column)} = ?`)
      .join(', ');
    const statement = this.database.prepare(`update ${quote(table)} set ${assignments} where id = ?`);
    const { changes } = statement.run(...Object.values(columns), id);
    if (changes !== 1) throw new Error(`no row ${id} in ${table}`);
  }

  remove(table, id) {
    this.database.prepare(`delete from ${quote(table)} where id = ?`).run(id);
  }

  /** The row whose column has this value, or undefined. */
  find(table, column, value) {
    return this.database.prepare(`select * from ${quote(table)} where ${quote(column)} = ?`).all(value)[0];
  }

  close() {
    this.database.close();
  }
}

function quote(name) {
  return `"${name}"`;
}
