"""Stands in for the module that serverless-python-requirements puts into a
package: there, importing it unpacks the requirements; here they are installed."""
