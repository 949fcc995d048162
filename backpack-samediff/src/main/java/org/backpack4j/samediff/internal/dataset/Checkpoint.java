package org.backpack4j.samediff.internal.dataset;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * A file with what has been gathered: what it is of, how far it is, and the sums to the last bit.
 * It is written beside, and put in the place of the one before in one step, so that there is always
 * a whole one.
 */
public final class Checkpoint {
  private static final long MAGIC = 0x4250_344a_4453_0003L; // BP4JDS, version 3

  private Checkpoint() {}

  /**
   * Writes what has been gathered.
   *
   * @param identity what it is of: a digest for each of what may differ
   */
  public static void write(Path file, Map<String, String> identity, Gathering gathering) {
    Path beside = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      // unlike a channel it stays open where its thread is interrupted
      try (FileOutputStream opened = new FileOutputStream(beside.toFile())) {
        CheckedOutputStream checked =
            new CheckedOutputStream(new BufferedOutputStream(opened), new CRC32C());
        DataOutputStream out = new DataOutputStream(checked);
        write(out, identity, gathering);
        out.writeLong(checked.getChecksum().getValue());
        out.flush();
        opened.getFD().sync();
      }
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The checkpoint " + file + " cannot be written: " + e.getMessage(), e);
    }
  }

  private static void write(DataOutputStream out, Map<String, String> identity, Gathering g)
      throws IOException {
    out.writeLong(MAGIC);
    out.writeInt(identity.size());
    for (Map.Entry<String, String> part : identity.entrySet()) {
      out.writeUTF(part.getKey());
      out.writeUTF(part.getValue());
    }
    GatheringForm.write(out, g);
  }

  /**
   * Reads what was gathered.
   *
   * @param identity what it has to be of
   * @param into what has gathered nothing yet
   * @throws IllegalArgumentException if it is of something else, or no checkpoint at all
   */
  public static void read(Path file, Map<String, String> identity, Gathering into) {
    try (CheckedInputStream checked =
        new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file)), new CRC32C())) {
      DataInputStream in = new DataInputStream(checked);
      if (in.readLong() != MAGIC) {
        throw new IllegalArgumentException(file + " is no checkpoint of a data set's quantities.");
      }
      Map<String, String> found = new LinkedHashMap<>();
      for (int k = in.readInt(); k > 0; k--) {
        found.put(in.readUTF(), in.readUTF());
      }
      identity.forEach(
          (part, digest) -> {
            if (!digest.equals(found.get(part))) {
              throw new IllegalArgumentException(
                  "The checkpoint "
                      + file
                      + " is of other "
                      + part
                      + ": go on with those that it was written for, or delete it.");
            }
          });
      GatheringForm.read(in, into);
      long expected = checked.getChecksum().getValue();
      if (in.readLong() != expected) {
        throw new IllegalArgumentException(
            "The checkpoint " + file + " is damaged: delete it and begin anew.");
      }
    } catch (EOFException e) {
      throw new IllegalArgumentException(
          "The checkpoint " + file + " is damaged, it ends too early: delete it and begin anew.",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The checkpoint " + file + " cannot be read: " + e.getMessage(), e);
    }
  }
}
