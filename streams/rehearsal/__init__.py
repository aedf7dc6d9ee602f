"""The whole pipeline in one process, without servers and on a clock that the reports move: what would these rules have done?"""
