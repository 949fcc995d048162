package org.backpack4j.samediff.internal.extend;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;

/**
 * Warns once of the same thing, though a program extends its graph again and again: what was said
 * before goes to the log at DEBUG. Everything that is said here can be asked for, too.
 */
final class OnceLog {
  /** A program that makes ever new names is not to fill its memory with them, nor its log. */
  private static final int REMEMBERED = 1_000;

  private final Logger log;
  private final Set<String> said = ConcurrentHashMap.newKeySet();

  OnceLog(Logger log) {
    this.log = log;
  }

  void warn(String line) {
    if (said.size() < REMEMBERED && said.add(line)) {
      log.warn(line);
    } else {
      log.debug(line);
    }
  }
}
