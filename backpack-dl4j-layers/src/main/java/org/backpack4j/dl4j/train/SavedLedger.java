package org.backpack4j.dl4j.train;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import org.backpack4j.dl4j.internal.WholeFile;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;

/** A network's file with a ledger in it, beside DL4J's own entries. */
final class SavedLedger {
  private static final String ENTRY = "privacy-ledger.txt";

  private SavedLedger() {}

  /** Writes a network with its updater's state and a ledger; replaces a file when all is there. */
  static void save(Model net, PrivacyLedger ledger, Path file) throws IOException {
    Path text = Files.createTempFile("ledger", ".txt");
    try {
      ledger.save(text);
      WholeFile.write(
          file,
          beside -> {
            ModelSerializer.writeModel(net, beside.toFile(), true);
            try (FileSystem archive = FileSystems.newFileSystem(beside, Map.of())) {
              Files.copy(text, archive.getPath("/" + ENTRY), StandardCopyOption.REPLACE_EXISTING);
            }
          });
    } finally {
      Files.deleteIfExists(text);
    }
  }

  /** Reads a network's ledger. */
  static PrivacyLedger load(Path file) throws IOException {
    Path text = Files.createTempFile("ledger", ".txt");
    try (FileSystem archive = FileSystems.newFileSystem(file, Map.of())) {
      Files.copy(archive.getPath("/" + ENTRY), text, StandardCopyOption.REPLACE_EXISTING);
      return PrivacyLedger.load(text);
    } catch (NoSuchFileException e) {
      throw new IOException(
          file + " has no ledger: it was not saved by PrivacyEngine.save(…), or is not there.", e);
    } finally {
      Files.deleteIfExists(text);
    }
  }
}
