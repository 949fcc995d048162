package org.backpack4j.examples.notebook;

import java.util.List;

/**
 * The code of a cell.
 *
 * @param number its number, as the notebook shows it
 * @param code its text
 */
record Cell(int number, String code) {

  /**
   * A place in a cell.
   *
   * @param cell the cell
   * @param line the line, from 1
   * @param column the column, from 1; 0 for the whole line
   */
  record Place(Cell cell, int line, int column) {
    @Override
    public String toString() {
      return "In [" + cell.number() + "], line " + line;
    }

    /** The line as the person wrote it, and a mark below where the column is known. */
    List<String> shown() {
      String number = String.format("%4d  ", line);
      String text = number + cell.lines().get(line - 1);
      return column == 0
          ? List.of(text)
          : List.of(text, " ".repeat(number.length() + column - 1) + "^");
    }
  }

  List<String> lines() {
    return code.lines().toList();
  }

  /** Where a character is. */
  Place place(int offset) {
    int end = Math.max(0, Math.min(offset, code.length()));
    int start = code.lastIndexOf('\n', end - 1) + 1;
    return new Place(this, lineOf(start), end - start + 1);
  }

  /** A line, counted from the one in which a character is. */
  Place place(int offset, int line) {
    int first = lineOf(code.lastIndexOf('\n', offset - 1) + 1);
    return new Place(this, Math.min(first + line - 1, lines().size()), 0);
  }

  private int lineOf(int offset) {
    return 1 + (int) code.substring(0, offset).chars().filter(c -> c == '\n').count();
  }
}
