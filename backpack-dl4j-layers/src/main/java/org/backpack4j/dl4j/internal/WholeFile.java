package org.backpack4j.dl4j.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Files that are there as a whole or not at all. */
public final class WholeFile {
  private WholeFile() {}

  /** What a file is to have. */
  public interface Content {
    /** Writes all of it. */
    void write(Path file) throws IOException;
  }

  /**
   * Writes a file beside another, and puts it in its place in one step.
   *
   * @throws IOException if it cannot be written; a file that was there stays as it was
   */
  public static void write(Path file, Content content) throws IOException {
    Path beside = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      content.write(beside);
      Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(beside);
    }
  }

  /**
   * The same with a text.
   *
   * @throws IOException if it cannot be written; a file that was there stays as it was
   */
  public static void write(Path file, String text) throws IOException {
    write(file, beside -> Files.writeString(beside, text));
  }
}
