/**
 * What is behind a {@link org.backpack4j.dl4j.report.TrainingReport}: {@link
 * org.backpack4j.dl4j.internal.report.Observer} makes a {@link
 * org.backpack4j.dl4j.internal.report.StepRecord} of an iteration's quantities, {@link
 * org.backpack4j.dl4j.internal.report.Advisor} looks for findings in them, {@link
 * org.backpack4j.dl4j.internal.report.ReportPage} and {@link
 * org.backpack4j.dl4j.internal.report.RecordLog} write them down.
 */
@NullMarked
package org.backpack4j.dl4j.internal.report;

import org.jspecify.annotations.NullMarked;
